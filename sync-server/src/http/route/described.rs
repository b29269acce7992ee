//! What the OpenAPI document says of a call beside its path: parameters by what its handler takes out of the request, and
//! bodies by their types.

use axum::extract::State;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, Required};
use utoipa::{IntoParams, ToSchema};

use super::Schemas;
use crate::app::edit::Item;
use crate::http::auth::Caller;
use crate::http::extract::{Asked, Body, Path};
use crate::http::form::Form;
use crate::http::idempotent::Key;

/// What a handler takes out of a request.
pub(in crate::http) trait Extracted {
    /// The parameters that it reads, other than the path's.
    fn parameters() -> Vec<Parameter> {
        Vec::new()
    }
}

impl<S> Extracted for State<S> {}
impl<T> Extracted for Path<T> {}
impl<T> Extracted for Body<T> {}
impl Extracted for Caller {}
impl Extracted for Form {}

impl<Q: IntoParams> Extracted for Asked<Q> {
    fn parameters() -> Vec<Parameter> {
        Q::into_params(|| Some(ParameterIn::Query))
    }
}

impl Extracted for Key {
    fn parameters() -> Vec<Parameter> {
        let text =
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).max_length(Some(Key::BYTES));
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .description(Some("A repeat under the same key is answered as the first was."))
            .required(Required::False)
            .schema(Some(text));
        vec![key.build()]
    }
}

/// All that a handler takes, as the framework writes it: a marker, then one type after the other.
pub(in crate::http) trait Described {
    /// The parameters that it reads, other than the path's.
    fn parameters() -> Vec<Parameter>;
}

macro_rules! described {
    ($($part:ident)*) => {
        impl<M, $($part: Extracted),*> Described for (M, $($part,)*) {
            fn parameters() -> Vec<Parameter> {
                let parts: Vec<Vec<Parameter>> = vec![$($part::parameters()),*];
                parts.concat()
            }
        }
    };
}

described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);
described!(A B C D E F);

/// A body's schema, by its name.
pub(super) fn named<T: ToSchema>(schemas: &mut Schemas) -> String {
    let name = T::name().into_owned();
    T::schemas(schemas);
    schemas.push((name.clone(), T::schema()));
    name
}

/// A page of items of this name.
pub(super) fn listed(item: &str, schemas: &mut Schemas) -> String {
    let items = ArrayBuilder::new().items(Ref::from_schema_name(item));
    let next = SchemaType::from_iter([Type::String, Type::Null]);
    let next = ObjectBuilder::new()
        .schema_type(next)
        .description(Some("What to pass as `after` for the next page; `null` on the last."));
    let page = ObjectBuilder::new().property("items", items).required("items").property("next", next);
    let name = format!("{item}Page");
    schemas.push((name.clone(), page.build().into()));
    name
}

/// An item of the catalog, by its name in one word.
pub(super) fn item<I: Item>(schemas: &mut Schemas) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    let name: String = I::NAME.split(' ').map(word).collect();
    let text = |kind| ObjectBuilder::new().schema_type(SchemaType::Type(kind));
    let schema = ObjectBuilder::new()
        .description(Some(format!("As it stands in the catalog's `{}`.", I::LIST)))
        .property("code", text(Type::String))
        .required("code")
        .property("version", text(Type::Integer).description(Some("What a change of it sends back.")))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)));
    schemas.push((name.clone(), schema.build().into()));
    name
}
