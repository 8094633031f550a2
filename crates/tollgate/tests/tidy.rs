//! The house rules that a machine can keep: which room may use which, what stands only in one
//! room, how long a file may be. Changing the table needs a decision record.

use std::fs;
use std::path::{Path, PathBuf};

use tollgate::crash::{DELIVERY_POINTS, POINTS};

/// Each room of the library and the rooms it may use, in the order of an event's way through.
const ROOMS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("crash", &[]),
    ("rules", &[]),
    ("wire", &["rules"]),
    ("webhook", &["rules"]),
    ("store", &["rules"]),
    ("handlers", &["rules", "store"]),
    ("receive", &["clock", "crash", "handlers", "rules", "store", "webhook"]),
    ("answer", &["receive", "rules", "store", "wire"]),
    ("reconcile", &["answer", "handlers", "receive", "rules", "store", "webhook"]),
    ("config", &["rules"]),
    ("mail", &["config", "rules"]),
    ("stripe_api", &["clock", "config"]),
    ("setup", &["clock", "config", "rules", "stripe_api"]),
    ("doctor", &["clock", "config", "rules", "setup", "store", "stripe_api"]),
    (
        "billing",
        &[
            "answer",
            "clock",
            "config",
            "receive",
            "rules",
            "setup",
            "store",
            "stripe_api",
            "webhook",
        ],
    ),
    ("notify", &["config", "rules", "wire"]),
    (
        "deliver",
        &[
            "billing",
            "clock",
            "config",
            "crash",
            "mail",
            "notify",
            "receive",
            "rules",
            "store",
            "stripe_api",
            "webhook",
        ],
    ),
    ("metrics", &["clock"]),
    (
        "http",
        &[
            "answer",
            "billing",
            "clock",
            "config",
            "deliver",
            "metrics",
            "receive",
            "rules",
            "store",
            "stripe_api",
            "webhook",
            "wire",
        ],
    ),
    (
        "serve",
        &[
            "answer",
            "billing",
            "clock",
            "config",
            "deliver",
            "handlers",
            "http",
            "metrics",
            "receive",
            "reconcile",
            "rules",
            "store",
        ],
    ),
];

/// What stands in one room only, and the room.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sqlx::", &["store"]),
    ("std::env", &["config"]),
    ("Timestamp::now(", &["clock"]),
    ("SystemTime", &["clock"]),
    ("Instant::now(", &["clock"]),
];

/// The crates that the pure rules may name.
const RULES_MAY_NAME: &[&str] =
    &["std", "serde", "serde_json", "tollgate_stripe", "super", "crate"];

/// Macros are decisions; see docs/decisions.
const MACROS: &[&str] = &["id", "words", "params", "columns", "concerned"];

const LINES_MAX: usize = 500;
const NAMES_FORBIDDEN: &[&str] =
    &["util", "utils", "common", "helpers", "manager", "misc", "types"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All Rust files below a folder, with their texts.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(&path).expect("the file can be read");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {}", folder.display());
    found.sort();
    found
}

fn library() -> Vec<(String, PathBuf, String)> {
    let src = workspace().join("crates/tollgate/src");
    let room = |path: &Path| {
        let first = path.strip_prefix(&src).expect("it is below").iter().next();
        first.and_then(|it| it.to_str()).map(|it| it.trim_end_matches(".rs").to_owned())
    };
    sources(&src)
        .into_iter()
        .map(|(path, text)| (room(&path).unwrap_or_default(), path, text))
        .collect()
}

/// The code without its comments, line by line, with the tests of the file left out.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    text.lines().map(|line| line.split("//").next().unwrap_or(line))
}

/// The same, whole: a path may be broken over lines.
fn whole_code(text: &str) -> String {
    code(text).collect::<Vec<_>>().join("\n")
}

/// The names that follow `prefix` anywhere; `crate::{a, b}` names several.
fn named_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        follow(&code[at + prefix.len()..], 0, &mut names);
    }
    names
}

/// The names at the root of the crate that a file names whose module lies `depth` below it: after
/// `crate::`, or after as many `super::`.
fn named_at_root(code: &str, depth: usize) -> Vec<&str> {
    let mut names = named_after(code, "crate::");
    for (at, _) in code.match_indices("super::") {
        if !code[..at].ends_with("super::") {
            follow(&code[at..], depth, &mut names);
        }
    }
    names
}

/// Follows a path, into each part of a group, up so many modules; collects the next name.
fn follow<'a>(path: &'a str, up: usize, names: &mut Vec<&'a str>) {
    let path = path.trim_start();
    if path.starts_with('{') {
        parts(path).into_iter().for_each(|it| follow(it, up, names));
    } else if let Some(rest) = path.strip_prefix("super::") {
        follow(rest, up.saturating_sub(1), names);
    } else if up == 0 {
        let end = path.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(path.len());
        names.push(&path[..end]);
    }
}

/// The parts of a group in braces: `{a, b::{c, d}}` has two.
fn parts(group: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 1, 0);
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (sign == ',' && depth == 1) || depth == 0 {
            parts.push(group[start..at].trim());
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    // Behind a last comma there is nothing.
    parts.retain(|it| !it.is_empty());
    parts
}

/// How many modules below the root a file of the library stands.
fn depth(path: &Path) -> usize {
    let below = path.strip_prefix(workspace().join("crates/tollgate/src")).expect("it is below");
    let own = usize::from(!below.ends_with("mod.rs"));
    below.parent().map_or(0, |it| it.iter().count()) + own
}

/// A point that no test knows would be a place where nobody ever died.
#[test]
fn every_point_in_the_code_is_one_at_which_a_test_dies() {
    let mut named: Vec<String> = Vec::new();
    for (_, _, text) in library() {
        let calls = code(&text).filter_map(|line| line.split_once("crash::point(\""));
        named.extend(calls.filter_map(|(_, it)| Some(it.split_once('"')?.0.to_owned())));
    }
    let mut tried = [POINTS, DELIVERY_POINTS].concat();
    named.sort();
    tried.sort_unstable();
    assert_eq!(named, tried);
}

#[test]
fn each_room_uses_only_the_rooms_of_the_table() {
    let mut wrong = Vec::new();
    for (room, path, text) in library().iter().filter(|(room, ..)| room != "lib") {
        let entry = ROOMS.iter().find(|(name, _)| name == room);
        let Some((_, allowed)) = entry else {
            wrong.push(format!("{}: the room {room} is not in the table", path.display()));
            continue;
        };
        for used in named_at_root(&whole_code(text), depth(path)) {
            let known = ROOMS.iter().any(|(name, _)| *name == used);
            if known && used != room && !allowed.contains(&used) {
                wrong.push(format!("{}: {room} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The page that people read says what this table says.
#[test]
fn the_table_of_the_architecture_is_this_one() {
    let page = fs::read_to_string(workspace().join("ARCHITECTURE.md")).expect("there is the page");
    let (_, table) = page.split_once("| room of the library |").expect("it has the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut read: Vec<(&str, Vec<&str>)> = rows.map(row).collect();
    let mut wanted: Vec<(&str, Vec<&str>)> =
        ROOMS.iter().map(|(room, uses)| (*room, uses.to_vec())).collect();
    read.sort();
    wanted.sort();
    assert_eq!(read, wanted);
}

/// A row: the room, and the rooms that it may use, each between backticks.
fn row(line: &str) -> (&str, Vec<&str>) {
    let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
    let quoted = |cell: usize| cells[cell].split('`').skip(1).step_by(2).collect::<Vec<&str>>();
    (quoted(0)[0], quoted(2))
}

#[test]
fn what_belongs_to_one_room_stands_in_no_other() {
    let mut wrong = Vec::new();
    for (room, path, text) in &library() {
        for (what, rooms) in ONLY_IN {
            if !rooms.contains(&room.as_str()) && code(text).any(|line| line.contains(what)) {
                wrong.push(format!("{}: {what} belongs to {rooms:?}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rules_name_nothing_but_stripes_shapes() {
    let mut wrong = Vec::new();
    for (_, path, text) in library().iter().filter(|(room, ..)| room == "rules") {
        for line in code(text).filter(|it| it.trim_start().starts_with("use ")) {
            let first = line.trim_start().trim_start_matches("use ").split("::").next();
            let first = first.unwrap_or("").trim_end_matches(';');
            if !RULES_MAY_NAME.contains(&first) {
                wrong.push(format!("{}: {line}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same seed and the same calls give the same bytes: the world reads nothing else.
#[test]
fn the_sandbox_does_io_in_its_server_alone() {
    let src = workspace().join("crates/tollgate-sandbox/src");
    let io = ["std::net", "std::fs", "std::env", "std::time", "tokio::", "axum::", "reqwest::"];
    let mut wrong = Vec::new();
    for (path, text) in sources(&src).iter().filter(|(it, _)| !it.starts_with(src.join("server"))) {
        for line in code(text).filter(|line| io.iter().any(|it| line.contains(it))) {
            wrong.push(format!("{}: {line}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_is_not_too_long() {
    let mut wrong = Vec::new();
    let folders = ["crates", "bench/src", "fuzz"];
    for (path, text) in folders.iter().flat_map(|it| sources(&workspace().join(it))) {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("{}: {lines} lines", path.display()));
        }
        let opens = text.trim_start_matches("#![no_main]\n").trim_start().starts_with("//!");
        if !opens && !path.ends_with("build.rs") {
            wrong.push(format!("{}: does not open with //!", path.display()));
        }
        let stem = path.file_stem().and_then(|it| it.to_str()).unwrap_or("");
        if NAMES_FORBIDDEN.contains(&stem) {
            wrong.push(format!("{}: the name says nothing", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_unfinished_or_switched_off() {
    let forbidden =
        ["todo!", "unimplemented!", "dbg!", "#[ignore", "#[allow(", "#![allow(", "FIXME"];
    let mut wrong = Vec::new();
    for (path, text) in sources(&workspace().join("crates")) {
        // This file names them.
        if path.ends_with("tests/tidy.rs") {
            continue;
        }
        for line in code(&text) {
            if let Some(it) = forbidden.iter().find(|it| line.contains(*it)) {
                wrong.push(format!("{}: {it}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_are_no_macros_but_the_known() {
    let mut wrong = Vec::new();
    for (path, text) in sources(&workspace().join("crates")) {
        if path.components().any(|it| it.as_os_str() == "tests") {
            continue;
        }
        for name in named_after(&whole_code(&text), "macro_rules! ") {
            if !MACROS.contains(&name) {
                wrong.push(format!("{}: macro {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The table itself must be able to fail: a room is found in each form in which it can be named.
#[test]
fn names_are_found_in_every_form_of_use() {
    let at = |depth: usize, code: &'static str| named_at_root(code, depth);
    assert_eq!(at(1, "use crate::store::Db;"), ["store"]);
    assert_eq!(at(1, "use crate::{answer, http::App};"), ["answer", "http"]);
    assert_eq!(
        at(1, "use crate::{\n    answer::{Answer, mail},\n    http,\n};"),
        ["answer", "http"]
    );
    assert_eq!(at(1, "let it = crate::config::x();"), ["config"]);
    assert_eq!(at(1, "use super::store;"), ["store"]);
    assert_eq!(at(2, "use super::store;"), Vec::<&str>::new());
    assert_eq!(at(2, "use super::super::store::Db;"), ["store"]);
    assert_eq!(at(2, "use super::{error, super::{mail, store::Db}};"), ["mail", "store"]);
    assert_eq!(at(3, "use super::super::App;"), Vec::<&str>::new());
}
