//! The OpenAPI document as it is served: what holds of every call is said of every call, once, here.

use serde_json::{Map, Value, json};
use shared::api::problem::MEDIA_TYPE;
use utoipa::openapi::OpenApi;

/// What each call may answer beside its own.
const EVERYWHERE: [(&str, &str); 3] =
    [("400", "The request is not valid"), ("401", "No token, or an unknown one"), ("default", "A problem")];

/// The document with its token, and with problems where and as they are sent.
pub(super) fn document(document: OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    document["components"]["securitySchemes"] = json!({"token": {"type": "http", "scheme": "bearer"}});
    document["security"] = json!([{"token": []}]);
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for call in paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        if let Some(responses) = call["responses"].as_object_mut() {
            responses.values_mut().for_each(typed);
            for (status, description) in EVERYWHERE {
                responses.entry(status).or_insert_with(|| problem(description));
            }
        }
    }
    document
}

fn problem(description: &str) -> Value {
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    json!({"description": description, "content": {MEDIA_TYPE: {"schema": schema}}})
}

/// Gives a response's problem its own media type.
fn typed(response: &mut Value) {
    let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) else { return };
    let is_problem = |body: &Value| body["schema"]["$ref"] == "#/components/schemas/Problem";
    if content.get("application/json").is_some_and(is_problem)
        && let Some(body) = content.remove("application/json")
    {
        content.insert(MEDIA_TYPE.to_owned(), body);
    }
}
