//! What surrounds an object: its class, and what keeps it from having it.

use std::sync::Arc;

use kube::{Resource, ResourceExt};

use super::{Context, wake};
use crate::{
    api::{LambdaExecutionRole, LambdaRoleClass},
    plan::{
        Hold,
        class::{Classed, Selection, bound_class, has_place, select},
    },
};

/// The class of an object, and why it cannot have it.
#[derive(Clone, Debug, Default)]
pub(super) struct Circumstances {
    pub(super) class: Option<Arc<LambdaRoleClass>>,
    pub(super) obstacle: Option<Hold>,
}

impl Circumstances {
    pub(super) fn class_name(&self) -> Option<&str> {
        self.class.as_ref()?.metadata.name.as_deref()
    }
}

/// Looks the class up. `None` if the object is another controller's, as its class is.
pub(super) fn circumstances(object: &(impl Classed + Resource), context: &Context) -> Option<Circumstances> {
    let all = context.view.classes();
    let classes = all.iter().filter_map(|class| class.0.as_ref().ok());
    let namespace = context.view.namespace(&object.namespace().unwrap_or_default());
    let unreadable = bound_class(object).and_then(|name| Some((name, context.view.class(name)?)));
    if let Some((name, error)) = unreadable.as_ref().and_then(|(name, class)| Some((*name, class.0.as_ref().err()?))) {
        let obstacle = Hold::unreadable_class(name, &error.error);
        return context.serves(name).then_some(Circumstances { class: None, obstacle: Some(obstacle) });
    }
    let selection = select(object, &namespace, classes);
    let Some(class) = selection.class() else {
        // Somebody has to say it, and whoever says it says the same.
        return Some(Circumstances { class: None, obstacle: selection.obstacle().cloned() });
    };
    if !context.serves(&class.name_any()) {
        return None;
    }
    let obstacle = match selection {
        Selection::Allowed(_) => None,
        Selection::Forbidden(_, hold) | Selection::Missing(hold) => Some(hold),
    };
    Some(Circumstances { class: Some(Arc::new(class.clone())), obstacle })
}

/// The hold of a role that came when its namespace was full.
pub(super) fn crowded_out(role: &LambdaExecutionRole, class: &LambdaRoleClass, context: &Context) -> Option<Hold> {
    let most = usize::try_from(class.spec.guardrails.max_roles_per_namespace?).unwrap_or_default();
    let namespace = role.namespace().unwrap_or_default();
    let view = context.view.namespace(&namespace);
    let all = context.view.classes();
    let classes: Vec<&LambdaRoleClass> = all.iter().filter_map(|class| class.0.as_ref().ok()).collect();
    let others = wake::in_namespace(&context.roles, &namespace);
    let others = others.iter().filter_map(|object| object.0.as_ref().ok()).filter(|other| {
        let selection = select(*other, &view, classes.iter().copied());
        selection.class().is_some_and(|other| other.metadata.uid == class.metadata.uid)
    });
    let has_place = context.memory.grant(role, |has_role| has_place(role, others, most, has_role));
    (!has_place).then(|| Hold::role_limit(&class.name_any(), &namespace, most))
}
