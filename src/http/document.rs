//! What an answer says, before it is JSON or XML: both renderings come from one [`Document`].

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::failure::Failure;
use crate::{
    command::Reply,
    domain::{RateLimit, Timestamp, Token, Usage},
    store::SettingsRow,
};

/// The element around an XML answer.
const ROOT: &str = "AUTH";

/// The form that a caller wants answers in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Rendering {
    #[default]
    Json,
    Xml,
}

impl Rendering {
    /// The rendering that the value of `output` names, in any case.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            _ if text.eq_ignore_ascii_case("json") => Some(Self::Json),
            _ if text.eq_ignore_ascii_case("xml") => Some(Self::Xml),
            _ => None,
        }
    }
}

/// Named members in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document(Vec<(&'static str, Member)>);

#[derive(Debug, PartialEq, Eq)]
enum Member {
    /// `null` in JSON, and an empty element in XML.
    Nothing,
    Number(u64),
    Text(String),
    /// Texts, each of which is an `item` in XML.
    List {
        item: &'static str,
        texts: Vec<String>,
    },
    Members(Document),
}

impl From<&Reply> for Document {
    fn from(reply: &Reply) -> Self {
        match reply {
            Reply::Minted(token) => Self(vec![("TOKEN", text(token.expose()))]),
            Reply::Listed(tokens) => {
                let texts = tokens.iter().map(Token::expose);
                Self(vec![("TOKENS", list("TOKEN", texts))])
            }
            Reply::Disabled(token) => {
                let message = format!("Token {} is disabled.", token.expose());
                Self(vec![("MESSAGE", Member::Text(message))])
            }
            Reply::Settings(row) => row.as_ref().into(),
        }
    }
}

impl From<&SettingsRow> for Document {
    fn from(row: &SettingsRow) -> Self {
        let settings = &row.settings;
        Self(vec![
            ("tags", list("tag", settings.tags())),
            ("scopes", list("scope", settings.scopes())),
            ("origins", list("origin", settings.origins())),
            ("ips", list("ip", settings.ips())),
            ("rate_limit", settings.rate_limit().into()),
            ("note", text(settings.note())),
            ("usage", row.usage.into()),
        ])
    }
}

impl From<&Failure> for Document {
    fn from(failure: &Failure) -> Self {
        Self(vec![
            ("ERROR", text(failure.code())),
            ("MESSAGE", text(failure)),
        ])
    }
}

impl From<Option<RateLimit>> for Member {
    fn from(limit: Option<RateLimit>) -> Self {
        limit.map_or(Self::Nothing, |limit| {
            Self::Members(Document(vec![
                ("requests", Self::Number(limit.requests.get().into())),
                ("per_seconds", Self::Number(limit.per_seconds.get().into())),
            ]))
        })
    }
}

impl From<Usage> for Member {
    fn from(usage: Usage) -> Self {
        let last = usage.last_used_at.as_ref().map(text::<Timestamp>);
        Self::Members(Document(vec![
            ("verifications", Self::Number(usage.verifications)),
            ("last_used", last.unwrap_or(Self::Nothing)),
        ]))
    }
}

fn text<T: ToString + ?Sized>(value: &T) -> Member {
    Member::Text(value.to_string())
}

fn list<T: ToString>(item: &'static str, values: impl IntoIterator<Item = T>) -> Member {
    let texts = values.into_iter().map(|value| value.to_string()).collect();
    Member::List { item, texts }
}

impl Document {
    /// The document as compact JSON.
    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts, numbers and lists of texts are always JSON")
    }

    /// The document as XML in UTF-8.
    pub(super) fn to_xml(&self) -> Vec<u8> {
        let mut writer = Writer::new(Vec::with_capacity(256));
        let declaration = Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None));
        writer
            .write_event(declaration)
            .and_then(|()| self.write_element(&mut writer, ROOT))
            .expect("writing to memory does not fail");
        writer.into_inner()
    }

    fn write_element(&self, writer: &mut Writer<Vec<u8>>, name: &str) -> std::io::Result<()> {
        writer.write_event(Event::Start(BytesStart::new(name)))?;
        for (name, member) in &self.0 {
            member.write_element(writer, name)?;
        }
        writer.write_event(Event::End(BytesEnd::new(name)))
    }
}

impl Member {
    fn write_element(&self, writer: &mut Writer<Vec<u8>>, name: &str) -> std::io::Result<()> {
        match self {
            Self::Nothing => writer.write_event(Event::Empty(BytesStart::new(name))),
            Self::Number(number) => write_text(writer, name, &number.to_string()),
            Self::Text(text) => write_text(writer, name, text),
            Self::Members(document) => document.write_element(writer, name),
            Self::List { texts, .. } if texts.is_empty() => {
                writer.write_event(Event::Empty(BytesStart::new(name)))
            }
            Self::List { item, texts } => {
                writer.write_event(Event::Start(BytesStart::new(name)))?;
                texts
                    .iter()
                    .try_for_each(|text| write_text(writer, item, text))?;
                writer.write_event(Event::End(BytesEnd::new(name)))
            }
        }
    }
}

fn write_text(writer: &mut Writer<Vec<u8>>, name: &str, text: &str) -> std::io::Result<()> {
    writer.write_event(Event::Start(BytesStart::new(name)))?;
    writer.write_event(Event::Text(BytesText::new(text)))?;
    writer.write_event(Event::End(BytesEnd::new(name)))
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, member) in &self.0 {
            map.serialize_entry(name, member)?;
        }
        map.end()
    }
}

impl Serialize for Member {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_unit(),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List { texts, .. } => texts.serialize(serializer),
            Self::Members(document) => document.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Settings, TokenNumber},
        error::Error,
    };

    fn both(document: &Document) -> (String, String) {
        (
            String::from_utf8(document.to_json()).unwrap(),
            String::from_utf8(document.to_xml()).unwrap(),
        )
    }

    #[test]
    fn a_list_is_always_a_list() {
        let (json, xml) = both(&(&Reply::Listed(vec![])).into());
        assert_eq!(json, r#"{"TOKENS":[]}"#);
        assert_eq!(
            xml,
            r#"<?xml version="1.0" encoding="UTF-8"?><AUTH><TOKENS/></AUTH>"#
        );

        let one = Reply::Listed(vec![Token::from_bytes(&[1; 16])]);
        let (json, xml) = both(&(&one).into());
        assert_eq!(json, r#"{"TOKENS":["01010101010101010101010101010101"]}"#);
        assert!(
            xml.ends_with(
                "<AUTH><TOKENS><TOKEN>01010101010101010101010101010101</TOKEN></TOKENS></AUTH>"
            ),
            "{xml}"
        );
    }

    #[test]
    fn what_a_caller_wrote_cannot_break_out_of_either_rendering() {
        let given = "expire\"<&>'".to_owned();
        let failure = Failure::Domain(Error::UnknownParameter {
            given,
            meant: "expire",
        });
        let (json, xml) = both(&(&failure).into());
        assert!(json.contains(r#"expire\"<&>'"#), "{json}");
        assert!(
            xml.contains("expire&quot;&lt;&amp;&gt;&apos;") && !xml.contains("<&>"),
            "{xml}"
        );
    }

    #[test]
    fn settings_are_shown_whole_in_either_rendering() {
        let settings = r#"{"tags":["a","b"],"rate_limit":{"requests":5,"per_seconds":60}}"#;
        let row = SettingsRow {
            number: TokenNumber::from_i64(1),
            settings: Settings::from_json(settings).unwrap(),
            usage: Usage::default(),
        };
        let (json, xml) = both(&(&row).into());
        assert_eq!(
            json,
            r#"{"tags":["a","b"],"scopes":[],"origins":[],"ips":[],"rate_limit":{"requests":5,"per_seconds":60},"note":"","usage":{"verifications":0,"last_used":null}}"#
        );
        assert!(
            xml.ends_with(
                "<AUTH><tags><tag>a</tag><tag>b</tag></tags><scopes/><origins/><ips/>\
                 <rate_limit><requests>5</requests><per_seconds>60</per_seconds></rate_limit><note></note>\
                 <usage><verifications>0</verifications><last_used/></usage></AUTH>"
            ),
            "{xml}"
        );
    }
}
