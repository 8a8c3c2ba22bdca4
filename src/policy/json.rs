//! JSON as IAM reads it: an object names each member once. `serde_json`'s own values silently keep the last of two, so a
//! document would be judged by other words than IAM's.

use std::{cell::RefCell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{document::Fault, path::Path};

/// The value of `json`. Nesting is limited (to 128 levels by `serde_json`), so no input overflows the stack.
pub(super) fn value(json: &str) -> Result<Value, Fault> {
    let fault = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = Distinct { path: Path::DOCUMENT, fault: &fault }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| fault.take().unwrap_or_else(|| Path::DOCUMENT.fault(format!("is not JSON: {error}"))))
}

/// Reads a value that stands at `path`. A fault of ours is handed out beside the deserializer's error, which would bury
/// its path in a message.
#[derive(Clone, Copy)]
struct Distinct<'a> {
    path: Path<'a>,
    fault: &'a RefCell<Option<Fault>>,
}

impl<'de> DeserializeSeed<'de> for Distinct<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Distinct<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) =
            elements.next_element_seed(Distinct { path: self.path.element(list.len()), fault: self.fault })?
        {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let path = self.path.member(&name);
            if map.contains_key(&name) {
                self.fault.replace(Some(path.fault("is there twice: an object names each of its members once")));
                return Err(A::Error::custom("a member is there twice"));
            }
            let value = members.next_value_seed(Distinct { path, fault: self.fault })?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}
