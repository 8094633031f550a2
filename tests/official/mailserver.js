// A mail server and a reader of mails that are not ours. What arrives is kept as it came over the
// line and as a mail program would read it.

import { after } from "node:test";
import { simpleParser } from "mailparser";
import { SMTPServer } from "smtp-server";

export const USER = "billing@northwind.example";
// With marks that a URL has to escape.
export const PASSWORD = "p@ss:w/rd?";
const CLOSE_MS = 100;

// Starts on a free port and ends after the tests of a file. `options` are those of smtp-server;
// `answers` gives what is answered to an address at its first, second … mail: a code to refuse it with,
// "hang" to read the mail and say nothing ever, else it is taken.
export async function startMailServer(options = {}, answers = () => undefined) {
  const server = new MailServer(options, answers);
  await server.start();
  after(() => server.end());
  return server;
}

class MailServer {
  #server;
  #answers;
  #tries = new Map();
  // Each with `to`, `user` and `secure` of its connection, `raw` bytes and the `mail` they are.
  arrived = [];
  // What was read of mails that were never answered.
  unanswered = [];
  // How often a password was shown.
  logins = 0;

  constructor(options, answers) {
    this.#answers = answers;
    this.#server = new SMTPServer({
      authOptional: true,
      allowInsecureAuth: true,
      disableReverseLookup: true,
      closeTimeout: CLOSE_MS,
      onAuth: ({ username, password }, session, done) => {
        this.logins += 1;
        const known = username === USER && password === PASSWORD;
        done(known ? null : new Error("no such user"), { user: username });
      },
      onRcptTo: ({ address }, session, done) => done(this.#refusal(address)),
      onData: (stream, session, done) => this.#read(stream, session, done),
      ...options,
    });
    // A client that hangs up is no error here.
    this.#server.on("error", () => {});
  }

  async start() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.port = this.#server.server.address().port;
  }

  // Where the mails go, with a name and a password or without.
  url({ scheme = "smtp", host = "127.0.0.1", user } = {}) {
    const login = user ? `${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}@` : "";
    return `${scheme}://${login}${host}:${this.port}`;
  }

  // All that arrived for an address.
  of(address) {
    return this.arrived.filter(({ to }) => to.includes(address));
  }

  #refusal(address) {
    const tries = (this.#tries.get(address) ?? 0) + 1;
    this.#tries.set(address, tries);
    const answer = this.#answers(address, tries);
    return typeof answer === "number" ? Object.assign(new Error("refused by the test"), { responseCode: answer }) : null;
  }

  async #read(stream, session, done) {
    const to = session.envelope.rcptTo.map(({ address }) => address);
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const raw = Buffer.concat(chunks);
    const read = { to, user: session.user, secure: session.secure, raw, mail: await simpleParser(raw) };
    if (to.some((it) => this.#answers(it, this.#tries.get(it)) === "hang")) {
      this.unanswered.push(read);
      return;
    }
    this.arrived.push(read);
    done();
  }

  end() {
    return new Promise((resolve) => this.#server.close(resolve));
  }
}
