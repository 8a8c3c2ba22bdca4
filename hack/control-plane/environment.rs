//! The environment of a Pod's container, as a kubelet makes it of the Pod's spec.

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Container, EnvVar, EnvVarSource, PodSpec, Secret},
};
use kube::{Api, Client};

/// What a variable may ask of the Pod that it is in.
pub struct Pod<'a> {
    pub name: &'a str,
    pub namespace: &'a str,
    pub spec: &'a PodSpec,
}

/// The variables in their order, each with what it refers to.
pub async fn of(client: &Client, pod: &Pod<'_>, container: &Container) -> Result<Vec<(String, String)>> {
    let mut variables = Vec::new();
    for variable in container.env.iter().flatten() {
        let value = value(client, pod, variable, &variables).await;
        if let Some(value) = value.with_context(|| format!("variable {} of Pod {}", variable.name, pod.name))? {
            variables.push((variable.name.clone(), value));
        }
    }
    Ok(variables)
}

/// None where an optional key is missing.
async fn value(
    client: &Client,
    pod: &Pod<'_>,
    variable: &EnvVar,
    before: &[(String, String)],
) -> Result<Option<String>> {
    match &variable.value_from {
        None => Ok(Some(expand(variable.value.as_deref().unwrap_or_default(), before))),
        Some(EnvVarSource { field_ref: Some(field), .. }) => pod.field(&field.field_path).map(Some),
        Some(EnvVarSource { secret_key_ref: Some(of), .. }) => {
            let secret = Api::<Secret>::namespaced(client.clone(), pod.namespace).get_opt(&of.name).await?;
            let value = secret.and_then(|secret| secret.data?.remove(&of.key));
            let value = value.map(|ByteString(value)| String::from_utf8(value)).transpose()?;
            required(value, of.optional, || format!("no key {} in Secret {}", of.key, of.name))
        }
        Some(EnvVarSource { config_map_key_ref: Some(of), .. }) => {
            let config_map = Api::<ConfigMap>::namespaced(client.clone(), pod.namespace).get_opt(&of.name).await?;
            let value = config_map.and_then(|config_map| config_map.data?.remove(&of.key));
            required(value, of.optional, || format!("no key {} in ConfigMap {}", of.key, of.name))
        }
        Some(_) => bail!("this control plane resolves fieldRef, secretKeyRef and configMapKeyRef only"),
    }
}

fn required(value: Option<String>, optional: Option<bool>, missing: impl FnOnce() -> String) -> Result<Option<String>> {
    ensure!(value.is_some() || optional == Some(true), missing());
    Ok(value)
}

impl Pod<'_> {
    /// A field of the downward API. There is no Pod in the cluster, so what only that would have is refused.
    fn field(&self, path: &str) -> Result<String> {
        match path {
            "metadata.name" => Ok(self.name.to_owned()),
            "metadata.namespace" => Ok(self.namespace.to_owned()),
            "spec.serviceAccountName" => Ok(self.spec.service_account_name.as_deref().unwrap_or("default").to_owned()),
            _ => bail!("this control plane does not know the field {path}"),
        }
    }
}

/// Replaces each `$(NAME)` by the last such variable, and `$$` by `$`; what names none stays as it is:
/// <https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/>
pub fn expand(text: &str, variables: &[(String, String)]) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
            continue;
        }
        let Some((name, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) else {
            expanded.push('$');
            continue;
        };
        match variables.iter().rev().find(|(variable, _)| variable == name) {
            Some((_, value)) => expanded.push_str(value),
            None => expanded.extend(["$(", name, ")"]),
        }
        rest = after;
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn references_are_replaced_as_a_kubelet_does_it() {
        let variables = [("A", "first"), ("B", "$(A)"), ("A", "last")].map(|(name, value)| (name.into(), value.into()));
        for (text, expanded) in [
            ("", ""),
            ("as it stands", "as it stands"),
            ("a=$(A),b", "a=last,b"),
            // What came out of a variable is not looked at again.
            ("$(B)$(A)", "$(A)last"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$last"),
            ("$(NONE) $(A)", "$(NONE) last"),
            ("$(B$(A))", "$(B$(A))"),
            ("$A $ $(A", "$A $ $(A"),
            ("costs 5$", "costs 5$"),
        ] {
            assert_eq!(expand(text, &variables), expanded, "{text}");
        }
    }
}
