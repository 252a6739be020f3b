//! What an answer says, before it is JSON or XML: both renderings come from one [`Document`].

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::failure::Failure;
use crate::{command::Reply, domain::Token};

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
pub(super) struct Document<'a>(Vec<(&'static str, Member<'a>)>);

#[derive(Debug, PartialEq, Eq)]
enum Member<'a> {
    Text(String),
    /// Texts, each of which is an `item` in XML.
    List {
        item: &'static str,
        texts: Vec<&'a str>,
    },
}

impl<'a> From<&'a Reply> for Document<'a> {
    fn from(reply: &'a Reply) -> Self {
        Self(vec![match reply {
            Reply::Minted(token) => ("TOKEN", Member::Text(token.expose().to_owned())),
            Reply::Listed(tokens) => {
                let texts = tokens.iter().map(Token::expose).collect();
                (
                    "TOKENS",
                    Member::List {
                        item: "TOKEN",
                        texts,
                    },
                )
            }
            Reply::Disabled(token) => (
                "MESSAGE",
                Member::Text(format!("Token {} is disabled.", token.expose())),
            ),
        }])
    }
}

impl From<&Failure> for Document<'_> {
    fn from(failure: &Failure) -> Self {
        Self(vec![
            ("ERROR", Member::Text(failure.code().to_owned())),
            ("MESSAGE", Member::Text(failure.to_string())),
        ])
    }
}

impl Document<'_> {
    /// The document as compact JSON.
    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and lists of texts are always JSON")
    }

    /// The document as XML in UTF-8.
    pub(super) fn to_xml(&self) -> Vec<u8> {
        self.write_xml().expect("writing to memory does not fail")
    }

    fn write_xml(&self) -> std::io::Result<Vec<u8>> {
        let mut writer = Writer::new(Vec::with_capacity(256));
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        writer.write_event(Event::Start(BytesStart::new(ROOT)))?;
        for (name, member) in &self.0 {
            match member {
                Member::Text(text) => write_element(&mut writer, name, text)?,
                Member::List { texts, .. } if texts.is_empty() => {
                    writer.write_event(Event::Empty(BytesStart::new(*name)))?;
                }
                Member::List { item, texts } => {
                    writer.write_event(Event::Start(BytesStart::new(*name)))?;
                    texts
                        .iter()
                        .try_for_each(|text| write_element(&mut writer, item, text))?;
                    writer.write_event(Event::End(BytesEnd::new(*name)))?;
                }
            }
        }
        writer.write_event(Event::End(BytesEnd::new(ROOT)))?;
        Ok(writer.into_inner())
    }
}

fn write_element(writer: &mut Writer<Vec<u8>>, name: &str, text: &str) -> std::io::Result<()> {
    writer.write_event(Event::Start(BytesStart::new(name)))?;
    writer.write_event(Event::Text(BytesText::new(text)))?;
    writer.write_event(Event::End(BytesEnd::new(name)))
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, member) in &self.0 {
            match member {
                Member::Text(text) => map.serialize_entry(name, text)?,
                Member::List { texts, .. } => map.serialize_entry(name, texts)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn both(document: &Document<'_>) -> (String, String) {
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
}
