// How a plan is put into words.

import type { Access } from "./tollgate";

export const NOTES = ["Water the fig tree on Sundays", "Ask Grace about the compiler", "A toll gate has one arm and no opinions"];

export function planName({ plan }: Access): string {
  return plan.charAt(0).toUpperCase() + plan.slice(1);
}

export function planSentence(known: Access): string {
  if (!known.granted) return "You are on Free.";
  if (!known.cancel_at) return `You have ${planName(known)}.`;
  const ends = new Date(known.cancel_at).toLocaleDateString("en-GB", { dateStyle: "long", timeZone: "UTC" });
  return `You have ${planName(known)} until ${ends}.`;
}
