//! All that a catalog document can say, told by the types themselves: each of them names its fields and variants to whoever
//! deserialises it. A new field or variant is on the sheet with the line that declares it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor};
use serde::{Deserialize as _, de::Error as _};
use serde_json::{Error, Value};
use shared::catalog::document::Document;

/// Fields and variants by their path, lists gone into: `programs.levels.multiplier`, `programs.style=spend`. Where a text
/// and a list are both read (`outlets`), they are `=text` and `=list`.
#[derive(Default)]
pub(crate) struct Sheet {
    /// What there is to say, as far as the types were asked: what lies in a field that is never said is not known.
    pub(crate) there_are: BTreeSet<String>,
    /// What is said.
    pub(crate) said: BTreeSet<String>,
    /// Where each field is said that may mean nothing there, as JSON pointers.
    places: BTreeMap<String, Vec<String>>,
}

impl Sheet {
    /// Reads a document, and notes what is said. A field counts where it says something: where the document would be
    /// another one, or none, without it.
    pub(crate) fn read(&mut self, written: &Value) -> Document {
        let sheet = RefCell::new(std::mem::take(self));
        let whole = Asked { value: written, path: String::new(), pointer: String::new(), sheet: &sheet };
        let document = Document::deserialize(whole).unwrap_or_else(|error| panic!("{error}: {written}"));
        *self = sheet.into_inner();
        for (path, pointers) in std::mem::take(&mut self.places) {
            if !self.said.contains(&path) && pointers.iter().any(|at| tells(written, at, &document)) {
                self.said.insert(path);
            }
        }
        document
    }

    /// What is never said, but for the versions of items, which are the server's to say.
    pub(crate) fn missing(&self) -> Vec<&str> {
        let of_an_item = |path: &str| path.split_once('.').is_some_and(|(_, field)| field == "version");
        let missing = self.there_are.difference(&self.said).map(String::as_str);
        missing.filter(|path| !of_an_item(path)).collect()
    }
}

/// Whether the field at a pointer makes a difference to the document.
fn tells(written: &Value, pointer: &str, document: &Document) -> bool {
    let mut without = written.clone();
    let (item, field) = pointer.rsplit_once('/').expect("a field stands in something");
    let item = without.pointer_mut(item).and_then(Value::as_object_mut);
    assert!(item.and_then(|item| item.remove(field)).is_some(), "nothing at {pointer}");
    serde_json::from_value::<Document>(without).map_or(true, |other| other != *document)
}

/// The path under which something is noted. A tier group is a ladder as a program's own is, read and compiled by the same
/// types: what one says of style, window and levels need not be said of the other again.
fn noted(path: String) -> String {
    const LADDER: [&str; 5] = ["style=", "qualifier.", "window.", "levels.", "level_rules."];
    match path.strip_prefix("programs.tier_groups.") {
        Some(rest) if LADDER.iter().any(|field| rest.starts_with(field)) => format!("programs.{rest}"),
        _ => path,
    }
}

/// A part of the document that a type asks for.
struct Asked<'a> {
    value: &'a Value,
    path: String,
    pointer: String,
    sheet: &'a RefCell<Sheet>,
}

impl<'a> Asked<'a> {
    fn path_of(&self, field: &str) -> String {
        noted(if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) })
    }

    fn field(&self, name: &str, value: &'a Value) -> Self {
        let pointer = format!("{}/{name}", self.pointer);
        Self { value, path: self.path_of(name), pointer, sheet: self.sheet }
    }

    fn item(&self, place: usize, value: &'a Value) -> Self {
        let pointer = format!("{}/{place}", self.pointer);
        Self { value, path: self.path.clone(), pointer, sheet: self.sheet }
    }

    fn there_is_one_of(&self, words: &[&str], said: &str) {
        let mut sheet = self.sheet.borrow_mut();
        sheet.there_are.extend(words.iter().map(|word| noted(format!("{}={word}", self.path))));
        sheet.said.insert(noted(format!("{}={said}", self.path)));
    }
}

impl<'a> IntoDeserializer<'a, Error> for Asked<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// What names neither fields nor variants is read as it stands.
macro_rules! as_it_stands {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
            self.value.$method(visitor)
        })*
    };
}

impl<'a> Deserializer<'a> for Asked<'a> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut sheet = self.sheet.borrow_mut();
        for name in fields {
            let path = self.path_of(name);
            if self.value.get(name).is_some() {
                sheet.places.entry(path.clone()).or_default().push(format!("{}/{name}", self.pointer));
            }
            sheet.there_are.insert(path);
        }
        drop(sheet);
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (variant, content) = match self.value {
            Value::String(variant) => (variant, None),
            Value::Object(one) if one.len() == 1 => {
                let (variant, content) = one.iter().next().expect("one");
                (variant, Some(self.field(variant, content)))
            }
            other => return other.deserialize_enum(name, variants, visitor),
        };
        self.there_is_one_of(variants, variant);
        visitor.visit_enum(Chosen { variant, content })
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Array(items) = self.value else { return self.value.deserialize_seq(visitor) };
        let items = items.iter().enumerate().map(|(place, value)| self.item(place, value));
        visitor.visit_seq(SeqDeserializer::new(items))
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Object(fields) = self.value else { return self.value.deserialize_map(visitor) };
        let fields = fields.iter().map(|(name, value)| (name.as_str(), self.field(name, value)));
        visitor.visit_map(MapDeserializer::new(fields))
    }

    /// Asked by what reads several shapes: a text, or a list.
    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.there_is_one_of(&["text", "list"], if self.value.is_string() { "text" } else { "list" });
        self.value.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.value.deserialize_tuple(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value.deserialize_tuple_struct(name, length, visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value.deserialize_unit_struct(name, visitor)
    }

    as_it_stands! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_identifier
        deserialize_ignored_any
    }
}

/// A variant, and what stands in it.
struct Chosen<'a> {
    variant: &'a str,
    content: Option<Asked<'a>>,
}

impl<'a> EnumAccess<'a> for Chosen<'a> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'a>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let variant: serde::de::value::StrDeserializer<'_, Error> = self.variant.into_deserializer();
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'a> Chosen<'a> {
    fn content(self) -> Result<Asked<'a>, Error> {
        let nothing = || Error::custom(format!("`{}` says nothing", self.variant));
        self.content.ok_or_else(nothing)
    }
}

impl<'a> VariantAccess<'a> for Chosen<'a> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.content {
            None => Ok(()),
            Some(_) => Err(Error::custom(format!("`{}` is a word", self.variant))),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'a>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.content()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.content()?.deserialize_struct("", fields, visitor)
    }
}
