//! Which class an object has.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{
    ResourceExt,
    core::{Selector, SelectorExt},
};

use crate::{
    api::{
        DEFAULT_CLASS_ANNOTATION, LambdaExecutionRole, LambdaManagedPolicy, LambdaRoleClass, Reason, class::Namespaces,
    },
    plan::Hold,
    policy::pattern::Pattern,
};

/// A namespace as classes select it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// Its labels; `None` where the controller cannot read them, and then no selector matches.
    pub labels: Option<BTreeMap<String, String>>,
}

/// The class of an object.
#[derive(Clone, Debug)]
pub enum Selection<'a> {
    /// This one, and the namespace may use it.
    Allowed(&'a LambdaRoleClass),
    /// This one, and the namespace is known not to be among those that may use it.
    Forbidden(&'a LambdaRoleClass, Hold),
    /// There is none, or nobody can tell whether the namespace may use it.
    Missing(Hold),
}

impl<'a> Selection<'a> {
    /// The class, whether or not the namespace may use it.
    #[must_use]
    pub fn class(&self) -> Option<&'a LambdaRoleClass> {
        match self {
            Self::Allowed(class) | Self::Forbidden(class, _) => Some(class),
            Self::Missing(_) => None,
        }
    }

    /// Why the object cannot have the class, if it cannot.
    #[must_use]
    pub fn obstacle(&self) -> Option<&Hold> {
        match self {
            Self::Allowed(_) => None,
            Self::Forbidden(_, hold) | Self::Missing(hold) => Some(hold),
        }
    }
}

/// An object that is of a class.
pub trait Classed {
    /// The class that its spec names.
    fn named_class(&self) -> Option<&str>;

    /// The class that its status says it has.
    fn found_class(&self) -> Option<&str>;
}

impl Classed for LambdaExecutionRole {
    fn named_class(&self) -> Option<&str> {
        self.spec.class_name.as_deref()
    }

    fn found_class(&self) -> Option<&str> {
        self.status.as_ref()?.class_name.as_deref()
    }
}

impl Classed for LambdaManagedPolicy {
    fn named_class(&self) -> Option<&str> {
        self.spec.class_name.as_deref()
    }

    fn found_class(&self) -> Option<&str> {
        self.status.as_ref()?.class_name.as_deref()
    }
}

/// The class that an object names, or else the one that it was bound to when it first found a default. A status that
/// somebody forged makes no more of it than the spec could say: whether the namespace may use the class is asked all the same.
#[must_use]
pub fn bound_class(object: &impl Classed) -> Option<&str> {
    object.named_class().or_else(|| object.found_class())
}

/// The class of `object`, of all that there are.
#[must_use]
pub fn select<'a>(
    object: &impl Classed,
    namespace: &Namespace,
    classes: impl IntoIterator<Item = &'a LambdaRoleClass>,
) -> Selection<'a> {
    let mut classes = classes.into_iter();
    match bound_class(object) {
        Some(name) => match classes.find(|class| class.name_any() == name) {
            Some(class) if may_use(namespace, class) => Selection::Allowed(class),
            Some(class) if namespace.labels.is_none() && class.spec.namespaces.selector.is_some() => {
                Selection::Missing(unknown_labels(namespace, name))
            }
            Some(class) => Selection::Forbidden(class, forbidden(namespace, name)),
            None => Selection::Missing(Hold::new(
                Reason::ClassNotFound,
                format!(
                    "There is no LambdaRoleClass {name}, which says in which account the object's role or policy is. Create it{}.",
                    if object.named_class().is_some() {
                        ", or make a new object with another spec.className"
                    } else {
                        ""
                    }
                ),
            )),
        },
        None => default_class(namespace, classes),
    }
}

/// The one default class that the namespace may use: teams may have defaults of their own.
fn default_class<'a>(namespace: &Namespace, classes: impl Iterator<Item = &'a LambdaRoleClass>) -> Selection<'a> {
    let defaults: Vec<_> = classes.filter(|class| is_default(class)).collect();
    let usable: Vec<_> = defaults.iter().copied().filter(|class| may_use(namespace, class)).collect();
    // An object stays with the default that it finds first, so none is chosen while it is not known how many there are.
    let is_unknown = |class: &&&LambdaRoleClass| {
        namespace.labels.is_none() && class.spec.namespaces.selector.is_some() && !may_use(namespace, class)
    };
    if let Some(class) = defaults.iter().find(is_unknown) {
        return Selection::Missing(unknown_labels(namespace, &class.name_any()));
    }
    match usable.as_slice() {
        [class] => Selection::Allowed(class),
        [] => {
            let others = match defaults.as_slice() {
                [] => String::new(),
                [other] => format!(" ({} is a default, and not for this namespace)", other.name_any()),
                others => format!(" ({} are defaults, and not for this namespace)", names(others)),
            };
            Selection::Missing(Hold::new(
                Reason::NoDefaultClass,
                format!(
                    "The object names no class, and namespace {} has no default class{others}. Make a new object with spec.className, or annotate a LambdaRoleClass that selects the namespace with {DEFAULT_CLASS_ANNOTATION}: \"true\".",
                    namespace.name
                ),
            ))
        }
        several => Selection::Missing(Hold::new(
            Reason::SeveralDefaultClasses,
            format!(
                "The object names no class, and namespace {} has {} default classes: {}. Make a new object with spec.className, or take the annotation {DEFAULT_CLASS_ANNOTATION} from all but one.",
                namespace.name,
                several.len(),
                names(several)
            ),
        )),
    }
}

fn forbidden(namespace: &Namespace, class: &str) -> Hold {
    Hold::new(
        Reason::ClassNotAllowed,
        format!(
            "Namespace {} may not use LambdaRoleClass {class}: spec.namespaces of the class does not select it. Ask whoever runs the class, or make a new object with another spec.className.",
            namespace.name
        ),
    )
}

/// Nothing is taken from a role on a guess, so this is no verdict of the class.
fn unknown_labels(namespace: &Namespace, class: &str) -> Hold {
    Hold::new(
        Reason::NamespaceUnknown,
        format!(
            "LambdaRoleClass {class} selects namespaces by label, and the controller cannot read those of namespace {}. Let it list and watch namespaces, or list the namespace in spec.namespaces.names of the class.",
            namespace.name
        ),
    )
}

fn is_default(class: &LambdaRoleClass) -> bool {
    class.annotations().get(DEFAULT_CLASS_ANNOTATION).is_some_and(|value| value == "true")
}

/// Whether objects of the namespace may use the class.
#[must_use]
pub fn may_use(namespace: &Namespace, class: &LambdaRoleClass) -> bool {
    selects(&class.spec.namespaces, namespace)
}

/// Whether `namespace` is among `namespaces`, by name or by label.
#[must_use]
pub fn selects(namespaces: &Namespaces, namespace: &Namespace) -> bool {
    let Namespaces { names, selector } = namespaces;
    let is_labelled = || selector.as_ref().is_some_and(|selector| has_labels(namespace, selector));
    is_listed(&namespace.name, names) || is_labelled()
}

/// Whether the selector matches the labels of the namespace. One that cannot be read matches nothing, and so do labels that
/// are not known.
#[must_use]
pub fn has_labels(namespace: &Namespace, selector: &LabelSelector) -> bool {
    let selector = Selector::try_from(selector.clone()).ok();
    namespace.labels.as_ref().zip(selector).is_some_and(|(labels, selector)| selector.matches(labels))
}

/// Whether the class lists the namespace of that name, whatever its labels.
#[must_use]
pub fn is_named(namespace: &str, class: &LambdaRoleClass) -> bool {
    is_listed(namespace, &class.spec.namespaces.names)
}

fn is_listed(namespace: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| Pattern::new(pattern).matches(namespace))
}

fn names(classes: &[&LambdaRoleClass]) -> String {
    let mut names: Vec<String> = classes.iter().map(|class| class.name_any()).collect();
    names.sort();
    names.join(", ")
}

/// Whether `role` is among the `most` oldest objects of its namespace that have the class; `others` are the objects of the
/// namespace with that class, `role` itself among them or not. One that is being deleted has its place until it is gone, as
/// has its role.
///
/// The API server tells ages to the second. Of those made in the same second, who `has_role` comes first: else a row of objects in
/// the right order of names would each push out the one before, whose role is made already.
#[must_use]
pub fn has_place<'a>(
    role: &LambdaExecutionRole,
    others: impl IntoIterator<Item = &'a LambdaExecutionRole>,
    most: usize,
    has_role: impl Fn(&LambdaExecutionRole) -> bool,
) -> bool {
    let rank = |role: &LambdaExecutionRole| (role.creation_timestamp(), !has_role(role), role.name_any());
    let own = rank(role);
    others.into_iter().filter(|other| rank(other) < own).take(most).count() < most
}
