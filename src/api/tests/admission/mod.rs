//! The `ValidatingAdmissionPolicy` of the chart, evaluated as the API server does it: once for each class, conditions first,
//! then the validations, with the variables that they name.
//!
//! `tests/it/chart.rs` sees to it that what Helm makes of the template is what is read here.

mod agreement;
mod cases;

use std::{collections::HashMap, fs, path::Path, sync::LazyLock};

use kube::core::cel::{
    KubeCelExt, apply_defaults,
    cel::{
        Context, Value as Cel,
        parser::{Expression, Parser},
    },
};
use serde_json::{Value, json};

use super::{CLASS, Crd, ROLE};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/lambdaroles/templates/validatingadmissionpolicy.yaml");
    let template = fs::read_to_string(path).unwrap();
    // Helm's own are whole lines.
    let lines: Vec<&str> = template.lines().filter(|line| !line.contains("{{")).collect();
    Policy::of(&serde_saphyr::from_str(&lines.join("\n")).unwrap())
});

/// A policy that compiles.
struct Policy {
    conditions: Vec<Expression>,
    variables: Vec<(String, Expression)>,
    validations: Vec<Validation>,
}

struct Validation {
    expression: Expression,
    message: Message,
}

enum Message {
    Fixed(String),
    Computed(Expression),
}

/// Who asks for what, and what there is.
#[derive(Clone)]
struct Request {
    object: Value,
    old: Option<Value>,
    class: Value,
    namespace: Value,
}

impl Policy {
    fn of(policy: &Value) -> Self {
        let list = |field: &str| policy["spec"][field].as_array().unwrap().iter();
        let expression = |entry: &Value| parsed(entry["expression"].as_str().unwrap());
        Self {
            conditions: list("matchConditions").map(expression).collect(),
            variables: list("variables")
                .map(|entry| (entry["name"].as_str().unwrap().to_owned(), expression(entry)))
                .collect(),
            validations: list("validations")
                .map(|entry| Validation {
                    expression: expression(entry),
                    message: match (entry["message"].as_str(), entry["messageExpression"].as_str()) {
                        (Some(message), None) => Message::Fixed(message.to_owned()),
                        (None, Some(text)) => Message::Computed(parsed(text)),
                        (both, _) => panic!("one message for each validation: {both:?}"),
                    },
                })
                .collect(),
        }
    }

    /// The messages of what the request is refused for.
    fn refusals(&self, request: &Request) -> Vec<String> {
        let Request { object, old, class, namespace } = request;
        let mut context = Context::default().with_all();
        let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
        for (name, value) in [
            ("object", object.clone()),
            ("oldObject", old.clone().unwrap_or_default()),
            ("params", class.clone()),
            ("namespaceObject", namespace.clone()),
            ("request", json!({"operation": operation})),
        ] {
            context.add_variable(name, value).unwrap();
        }
        if !self.conditions.iter().all(|condition| is_true(condition, &context)) {
            return Vec::new();
        }
        // The API server evaluates a variable only when it is asked for. Here none fails at all.
        let mut known: HashMap<String, Cel> = HashMap::new();
        for (name, expression) in &self.variables {
            context.add_variable_from_value("variables", known.clone());
            let value = Cel::resolve(expression, &context).unwrap_or_else(|error| panic!("{name}: {error}"));
            known.insert(name.clone(), value);
        }
        context.add_variable_from_value("variables", known);
        self.validations
            .iter()
            .filter(|validation| !is_true(&validation.expression, &context))
            .map(|validation| match &validation.message {
                Message::Fixed(message) => message.clone(),
                Message::Computed(expression) => match Cel::resolve(expression, &context) {
                    Ok(Cel::String(message)) => message.to_string(),
                    other => panic!("no message: {other:?}"),
                },
            })
            .collect()
    }
}

/// Optional fields (`.?field`) are part of Kubernetes' CEL since 1.29.
fn parsed(text: &str) -> Expression {
    Parser::default().enable_optional_syntax(true).parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn is_true(expression: &Expression, context: &Context<'_>) -> bool {
    match Cel::resolve(expression, context) {
        Ok(Cel::Bool(value)) => value,
        other => panic!("{other:?}"),
    }
}

/// The object with the defaults of its CRD.
fn defaulted(crd: &Crd, object: &Value) -> Value {
    apply_defaults(&crd.schema, object)
}

/// A role `orders` in the namespace `shop`.
fn role(spec: &Value) -> Value {
    defaulted(&ROLE, &json!({"metadata": {"name": "orders", "namespace": "shop"}, "spec": spec}))
}

/// A class `production` of the account 123456789012.
fn class(spec: &Value) -> Value {
    let mut object = json!({"metadata": {"name": "production"}, "spec": spec});
    object["spec"]["account"]["id"] = json!("123456789012");
    defaulted(&CLASS, &object)
}

/// The namespace `shop`.
fn namespace(labels: &Value) -> Value {
    json!({"metadata": {"name": "shop", "labels": labels}})
}

/// What is said of a new role.
fn refusals(role_spec: &Value, class_spec: &Value) -> Vec<String> {
    POLICY.refusals(&Request {
        object: role(role_spec),
        old: None,
        class: class(class_spec),
        namespace: namespace(&json!({})),
    })
}
