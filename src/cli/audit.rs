//! `moneyer audit`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::{
    open,
    output::{self, Output, table},
    parse_id,
};
use crate::{
    app::App,
    config::Config,
    domain::AuditEntry,
    error::Error,
    operator::audit::{Fault, Pages, Verdict, verify},
    store::Absent,
};

const MOST_LISTED: i64 = 1000;
/// How much of a value is shown in a table, in characters.
const CELL: usize = 80;
/// The members that every entry has; the others say what was changed.
const COMMON: [&str; 4] = ["seq", "at", "by", "action"];
/// The order in which those others are shown; any more come last.
const ORDER: [&str; 6] = ["account", "key", "new", "token", "tokens", "name"];

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Show the newest entries, newest first
    List {
        /// How many, 1 to 1000
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=MOST_LISTED))]
        limit: u32,
        /// Only entries before the one of this number
        #[arg(long, value_name = "SEQ")]
        before: Option<i64>,
    },
    /// Check the whole chain: that no entry was changed, inserted or taken out
    Verify {
        /// Also fail unless an entry has this hash, noted when it was the last: so a cut-off end is
        /// noticed
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
    /// Print the entries, oldest first, each a line of JSON with its hash
    Export {
        /// Only entries after the one of this number
        #[arg(long, value_name = "SEQ")]
        after: Option<i64>,
    },
}

impl Audit {
    pub(super) async fn run(self, config: &Config, output: Output) -> Result<ExitCode, Error> {
        let app = open(config, Absent::Refuse)?;
        match self {
            Self::List { limit, before } => {
                let entries = app.store.newest_audit_entries(before, limit).await?;
                list(&entries, output)?;
            }
            Self::Export { after } => export(&app, after).await?,
            Self::Verify { head } => {
                let known = head.map(|head| parse_id("HASH", &head));
                return tell(&verify(&app, known).await?, output);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(entries: &[AuditEntry], output: Output) -> Result<(), Error> {
    let rows: Vec<_> = entries.iter().map(row).collect();
    let json: Vec<_> = entries.iter().map(as_json).collect();
    output.data(table(["SEQ", "AT", "BY", "ACTION", "WHAT"], &rows), &json)
}

async fn export(app: &App, after: Option<i64>) -> Result<(), Error> {
    let mut pages = Pages::of(app, after).await?;
    while let Some(page) = pages.next().await? {
        let lines: String = page.iter().map(line).collect();
        output::raw(lines.as_bytes())?;
    }
    Ok(())
}

fn tell(verdict: &Verdict, output: Output) -> Result<ExitCode, Error> {
    let (entries, head) = (verdict.chain.seq(), verdict.chain.head());
    let text = match (verdict.fault, entries) {
        (None, 0) => "The audit is whole: there is no entry yet.".to_owned(),
        (None, 1) => format!("The audit is whole: 1 entry, with the hash {head}."),
        (None, _) => {
            format!("The audit is whole: {entries} entries, the last with the hash {head}.")
        }
        (Some(Fault::Broken(broken)), 0) => format!("{broken} Nothing before it is whole."),
        (Some(Fault::Broken(broken)), _) => {
            format!("{broken} The chain is whole up to entry {entries}, which has the hash {head}.")
        }
        (Some(Fault::Missing), _) => Fault::Missing.to_string(),
        (Some(fault), _) => {
            format!("{fault} What is left is a chain of {entries}, the last with the hash {head}.")
        }
    };
    let seq = match verdict.fault {
        Some(Fault::Broken(broken)) => Some(broken.seq()),
        _ => None,
    };
    output.data(
        text,
        &json!({
            "ok": verdict.fault.is_none(),
            "entries": entries,
            "head": head,
            "fault": verdict.fault.map(|fault| fault.to_string()),
            "seq": seq,
        }),
    )?;
    Ok(match verdict.fault {
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
    })
}

/// The entry's members, unless it was tampered with and is no object in one line.
fn members(entry: &AuditEntry) -> Option<Map<String, Value>> {
    let members: Map<_, _> = serde_json::from_str(&entry.text).ok()?;
    let in_one_line = entry.text.ends_with('}') && !entry.text.contains(['\n', '\r']);
    (in_one_line && !members.is_empty()).then_some(members)
}

fn as_json(entry: &AuditEntry) -> Value {
    let mut object = members(entry).unwrap_or_else(|| damaged(entry));
    object.insert("hash".into(), entry.hash.to_string().into());
    Value::Object(object)
}

/// The entry's text with the hash as one more member at its end, from where it can be cut off again
/// to check the chain.
fn line(entry: &AuditEntry) -> String {
    let text = match members(entry) {
        Some(_) => entry.text.clone(),
        None => Value::Object(damaged(entry)).to_string(),
    };
    let open = text.strip_suffix('}').unwrap_or(&text);
    format!("{open},\"hash\":\"{}\"}}\n", entry.hash)
}

/// What stands for an entry that is no object.
fn damaged(entry: &AuditEntry) -> Map<String, Value> {
    Map::from_iter([
        ("seq".to_owned(), entry.seq.into()),
        ("damaged".to_owned(), entry.text.clone().into()),
    ])
}

fn row(entry: &AuditEntry) -> [String; 5] {
    let members = members(entry).unwrap_or_else(|| damaged(entry));
    let common = |name: &str| members.get(name).map_or_else(|| "-".to_owned(), shown);
    let mut rest: Vec<_> = members
        .iter()
        .filter(|(name, _)| !COMMON.contains(&name.as_str()))
        .collect();
    rest.sort_by_key(|(name, _)| {
        ORDER
            .iter()
            .position(|known| known == name)
            .unwrap_or(ORDER.len())
    });
    let what: Vec<_> = rest
        .iter()
        .map(|(name, value)| format!("{name}={}", shown(value)))
        .collect();
    [
        entry.seq.to_string(),
        common("at"),
        common("by"),
        common("action"),
        what.join(" "),
    ]
}

/// A value for a table's cell: of many only the first, of a long one only the beginning.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Array(all) if all.len() > 1 => {
            return format!("{} and {} more", shown(&all[0]), all.len() - 1);
        }
        Value::Array(all) if all.len() == 1 => return shown(&all[0]),
        Value::String(text) if !text.is_empty() && !text.contains(['"', '=']) => text.clone(),
        other => other.to_string(),
    };
    let mut cell: String = text
        .chars()
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .take(CELL)
        .collect();
    if text.chars().nth(CELL).is_some() {
        cell.push('…');
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AuditHash;

    fn entry(text: &str) -> AuditEntry {
        AuditEntry {
            seq: 7,
            text: text.into(),
            hash: AuditHash::NONE,
        }
    }

    fn what(text: &str) -> String {
        let [.., what] = row(&entry(text));
        what
    }

    #[test]
    fn a_row_says_what_was_changed_ids_first() {
        let added =
            r#"{"seq":7,"at":"A","by":"B","action":"C","role":"mint","key":"k","account":"a"}"#;
        let expected = ["7", "A", "B", "C", "account=a key=k role=mint"];
        assert_eq!(row(&entry(added)), expected);
        assert_eq!(what(r#"{"tokens":["t"]}"#), "tokens=t");
        assert_eq!(what(r#"{"tokens":["t","u","v"]}"#), "tokens=t and 2 more");
        assert_eq!(what(r#"{"settings":{"a":[1]}}"#), r#"settings={"a":[1]}"#);
        assert_eq!(what(r#"{"name":""}"#), r#"name="""#);
    }

    #[test]
    fn a_row_is_one_line_of_bounded_length_whatever_the_entry_holds() {
        let long = "é".repeat(200);
        let cells = row(&entry(&format!(r#"{{"at":"\u001b[2J","name":"{long}"}}"#)));
        assert_eq!(cells[1], "\u{fffd}[2J");
        assert_eq!(cells[4], format!("name={}…", "é".repeat(CELL)));
        let expected = ["7", "-", "-", "-", "damaged=no\u{fffd}JSON"];
        assert_eq!(row(&entry("no\nJSON")), expected);
    }

    #[test]
    fn an_exported_line_is_the_entry_and_its_hash_even_of_a_damaged_one() {
        let hash = "0".repeat(64);
        let good = line(&entry(r#"{"seq":7,"at":"A"}"#));
        assert_eq!(
            good,
            format!("{{\"seq\":7,\"at\":\"A\",\"hash\":\"{hash}\"}}\n")
        );
        for bad in ["", "{}", "[1]", "{\"a\":\n1}", "{\"a\":1} ", "\u{fffd}"] {
            let line: Value = serde_json::from_str(&line(&entry(bad))).unwrap();
            assert_eq!(line, json!({ "seq": 7, "damaged": bad, "hash": hash }));
        }
    }
}
