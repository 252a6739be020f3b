//! Reading JSON.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, error::Category};

use crate::{domain::shown_name, error::Error};

/// Reads JSON in which no object has a member twice: whichever was meant, the other would be passed
/// over. The message says where it breaks off, and repeats no value.
pub(super) fn parse(body: &[u8]) -> Result<Value, Error> {
    let read = serde_json::from_slice(body).map(|Unambiguous(value)| value);
    read.map_err(|broken| {
        let (line, column) = (broken.line(), broken.column());
        let reason = match broken.classify() {
            Category::Data => broken.to_string(),
            _ => format!("is not proper JSON in UTF-8: see line {line}, column {column}"),
        };
        Error::invalid("The request's body", reason)
    })
}

struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unambiguous(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Unambiguous(value))) = members.next_entry::<String, _>()? {
            let shown = shown_name(&name);
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom(format!(
                    "has the member \"{shown}\" twice"
                )));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_json_has_is_read_as_it_stands() {
        let text = r#"{"a":[null,true,-1,18446744073709551615,0.5,"\u00e9",{}],"b":{"a":[]}}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_member_that_is_there_twice_is_named_at_any_depth() {
        for twice in [r#"{"a":1,"b":2,"a":1}"#, r#"[{"b":{"\u0061":1,"a":null}}]"#] {
            let refusal = parse(twice.as_bytes()).unwrap_err().to_string();
            let named = "The request's body has the member \"a\" twice at line 1";
            assert!(refusal.starts_with(named), "{refusal}");
        }
    }
}
