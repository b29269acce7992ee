//! Routes with who may call them, gathered together with the OpenAPI document that describes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::handler::Handler;
use axum::middleware;
use axum::routing::{MethodFilter, Router, on};
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, Schema};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder};

use super::auth;
use crate::app::App;
use crate::app::edit::Item;
use crate::app::roles::Role;

mod described;

use described::{Described, item, listed, named};

type Schemas = Vec<(String, RefOr<Schema>)>;

/// One call: path, who may, what it does, what it takes and answers.
pub(super) struct Op {
    path: &'static str,
    method: (MethodFilter, HttpMethod),
    roles: &'static [Role],
    summary: &'static str,
    status: u16,
    takes: Option<fn(&mut Schemas) -> String>,
    answers: Option<fn(&mut Schemas) -> String>,
}

impl Op {
    fn new(
        path: &'static str,
        method: (MethodFilter, HttpMethod),
        roles: &'static [Role],
        summary: &'static str,
    ) -> Self {
        Self { path, method, roles, summary, status: 200, takes: None, answers: None }
    }

    pub(super) fn get(path: &'static str, roles: &'static [Role], summary: &'static str) -> Self {
        Self::new(path, (MethodFilter::GET, HttpMethod::Get), roles, summary)
    }

    pub(super) fn post(path: &'static str, roles: &'static [Role], summary: &'static str) -> Self {
        Self::new(path, (MethodFilter::POST, HttpMethod::Post), roles, summary)
    }

    pub(super) fn put(path: &'static str, roles: &'static [Role], summary: &'static str) -> Self {
        Self::new(path, (MethodFilter::PUT, HttpMethod::Put), roles, summary)
    }

    pub(super) fn patch(path: &'static str, roles: &'static [Role], summary: &'static str) -> Self {
        Self::new(path, (MethodFilter::PATCH, HttpMethod::Patch), roles, summary)
    }

    pub(super) fn delete(path: &'static str, roles: &'static [Role], summary: &'static str) -> Self {
        Self { status: 204, ..Self::new(path, (MethodFilter::DELETE, HttpMethod::Delete), roles, summary) }
    }

    /// The body that it takes.
    pub(super) fn takes<T: ToSchema>(self) -> Self {
        Self { takes: Some(named::<T>), ..self }
    }

    /// The body that it answers, and the status.
    pub(super) fn answers<T: ToSchema>(self, status: u16) -> Self {
        Self { answers: Some(named::<T>), status, ..self }
    }

    /// The pages of a list.
    pub(super) fn lists<T: ToSchema>(self) -> Self {
        Self { answers: Some(|schemas| listed(&named::<T>(schemas), schemas)), ..self }
    }

    /// An item of the catalog as its body, and answered with a status.
    pub(super) fn changes_item<I: Item>(self, status: u16) -> Self {
        Self { takes: Some(item::<I>), ..self.answers_item::<I>(status) }
    }

    /// An item of the catalog.
    pub(super) fn answers_item<I: Item>(self, status: u16) -> Self {
        Self { answers: Some(item::<I>), status, ..self }
    }

    /// The pages of a list of the catalog.
    pub(super) fn lists_items<I: Item>(self) -> Self {
        Self { answers: Some(|schemas| listed(&item::<I>(schemas), schemas)), ..self }
    }

    /// The status that it answers.
    pub(super) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// The routes so far, and their description.
pub(super) struct Api {
    app: Arc<App>,
    router: Router<Arc<App>>,
    paths: Paths,
    schemas: Schemas,
}

impl Api {
    pub(super) fn new(app: Arc<App>) -> Self {
        let mut schemas = Vec::new();
        named::<shared::api::problem::Problem>(&mut schemas);
        Self { app, router: Router::new(), paths: Paths::new(), schemas }
    }

    /// Adds a call.
    #[expect(clippy::needless_pass_by_value, reason = "the table of routes makes each where it stands")]
    pub(super) fn on<H, T>(mut self, op: Op, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: Described + 'static,
    {
        let (filter, method) = op.method.clone();
        let guard = auth::Guard { app: Arc::clone(&self.app), roles: op.roles };
        let handler = on(filter, handler).route_layer(middleware::from_fn_with_state(guard, auth::guard));
        self.router = self.router.route(op.path, handler);
        let described = self.describe(&op, T::parameters());
        self.paths.add_path_operation(op.path, vec![method], described);
        self
    }

    /// Tells of a call that needs no token, and is routed elsewhere.
    pub(super) fn tells(mut self, op: &Op) -> Self {
        let described = self.describe(op, Vec::new());
        self.paths.add_path_operation(op.path, vec![op.method.1.clone()], described);
        self
    }

    fn describe(&mut self, op: &Op, parameters: Vec<Parameter>) -> utoipa::openapi::path::Operation {
        let problem = json("Problem", shared::api::problem::MEDIA_TYPE);
        let mut answer = ResponseBuilder::new().description("Done");
        if let Some(name) = op.answers {
            answer = answer.content("application/json", content(&name(&mut self.schemas)));
        }
        let mut described = OperationBuilder::new()
            .summary(Some(op.summary))
            .tag(op.path.split('/').nth(2).unwrap_or("api"))
            .response(op.status.to_string(), answer.build())
            .response("default", problem);
        if !op.roles.is_empty() {
            let roles: Vec<&str> = op.roles.iter().map(|role| role.as_str()).collect();
            described = described
                .description(Some(format!("Roles: {}.", roles.join(", "))))
                .security(SecurityRequirement::new("token", Vec::<String>::new()));
        }
        if let Some(name) = op.takes {
            let body = RequestBodyBuilder::new()
                .required(Some(Required::True))
                .content("application/json", content(&name(&mut self.schemas)));
            described = described.request_body(Some(body.build()));
        }
        for segment in op.path.split('/').filter_map(|part| part.strip_prefix('{')) {
            let name = segment.trim_end_matches('}');
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
            described = described.parameter(parameter.required(Required::True));
        }
        parameters.into_iter().fold(described, OperationBuilder::parameter).build()
    }

    /// The router, and the document as JSON.
    pub(super) fn finish(self) -> (Router<Arc<App>>, serde_json::Value) {
        let schemas: BTreeMap<String, RefOr<Schema>> = self.schemas.into_iter().collect();
        let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = schemas
            .into_iter()
            .fold(ComponentsBuilder::new(), |components, (name, schema)| components.schema(name, schema))
            .security_scheme("token", token);
        let info = InfoBuilder::new().title("Tillkeep server").version(env!("CARGO_PKG_VERSION"));
        let document: OpenApi = OpenApiBuilder::new()
            .info(info.build())
            .paths(self.paths)
            .components(Some(components.build()))
            .build();
        (self.router, serde_json::to_value(document).unwrap_or_default())
    }
}

fn content(name: &str) -> utoipa::openapi::content::Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).build()
}

fn json(name: &str, media: &str) -> utoipa::openapi::Response {
    ResponseBuilder::new().description("A problem").content(media, content(name)).build()
}
