use super::*;

mod conditions;
mod layers;
mod variables;

fn document(json: &str) -> Document {
    Document::parse(json).unwrap()
}

/// A statement about everything, of that effect and under these conditions.
fn conditional(effect: &str, conditions: &str) -> Document {
    document(&format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{conditions}}}}}"#
    ))
}

fn allow_everything() -> Document {
    document(r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#)
}

/// Whether the identity policy alone allows.
fn allows(document: &Document, action: &str, resource: &str, context: &Context) -> bool {
    let policies = Policies { identity: std::slice::from_ref(document), ..Policies::default() };
    evaluate(&policies, &Request { action, resource, context }).is_allowed()
}

/// Whether conditions hold for a request of that context.
fn holds(conditions: &str, context: &Context) -> bool {
    allows(&conditional("Allow", conditions), "s3:GetObject", "arn:aws:s3:::bucket/key", context)
}
