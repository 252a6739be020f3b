//! Reading JSON in which no object has a member twice.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::text::shown_name;

/// Why a text is not read as JSON. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableJson {
    /// It is not JSON in UTF-8, or is nested too deeply.
    #[error("is not proper JSON in UTF-8: see line {line}, column {column}")]
    Broken {
        /// The line at which it breaks off.
        line: usize,
        /// The column there.
        column: usize,
    },
    /// An object has a member of this name twice.
    #[error(
        "has the member \"{}\" twice at line {line} column {column}",
        shown_name(name)
    )]
    Twice {
        /// The name as it stands, of any length and characters.
        name: String,
        /// The line of the second one.
        line: usize,
        /// The column there.
        column: usize,
    },
}

/// Reads JSON in which no object has a member twice, at any depth: whichever was meant, the other
/// would be passed over.
///
/// # Errors
/// [`UnreadableJson`] says where it breaks off, and repeats no value.
pub fn parse_json(text: &[u8]) -> Result<Value, UnreadableJson> {
    let mut twice = None;
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let read = Reader { twice: &mut twice }.deserialize(&mut deserializer);
    let whole = read.and_then(|value| deserializer.end().map(|()| value));
    whole.map_err(|broken| {
        let (line, column) = (broken.line(), broken.column());
        match twice {
            Some(name) => UnreadableJson::Twice { name, line, column },
            None => UnreadableJson::Broken { line, column },
        }
    })
}

/// Makes a value of what is read.
struct Reader<'a> {
    /// The name that an object has twice.
    twice: &'a mut Option<String>,
}

impl Reader<'_> {
    fn again(&mut self) -> Reader<'_> {
        Reader { twice: self.twice }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
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

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.again())? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self.again())?;
            if object.contains_key(&name) {
                *self.twice = Some(name);
                return Err(A::Error::custom("a member twice"));
            }
            object.insert(name, value);
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
        assert_eq!(parse_json(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_member_that_is_there_twice_is_named_at_any_depth() {
        for twice in [r#"{"a":1,"b":2,"a":1}"#, r#"[{"b":{"\u0061":1,"a":null}}]"#] {
            let refusal = parse_json(twice.as_bytes()).unwrap_err().to_string();
            let named = "has the member \"a\" twice at line 1 column ";
            assert!(refusal.starts_with(named), "{refusal}");
        }
    }

    #[test]
    fn where_it_breaks_off_is_said() {
        for (text, line, column) in [("{\n\"a\":x", 2, 5), ("{} {}", 1, 4), ("", 1, 0)] {
            let broken = UnreadableJson::Broken { line, column };
            assert_eq!(parse_json(text.as_bytes()), Err(broken), "{text}");
        }
    }
}
