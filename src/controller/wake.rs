//! Waking objects because something beside them changed.

use std::{collections::BTreeMap, sync::Arc};

use futures::{StreamExt, channel::mpsc};
use kube::{
    Client, Resource,
    runtime::{
        Controller,
        reflector::{ObjectRef, Store},
        watcher,
    },
};
use tokio_util::sync::CancellationToken;

use crate::cluster::{Guarded, Kind, apis};

/// Wakes objects of a kind. Nobody listens any more when the process ends.
#[derive(Debug)]
pub(super) struct Wakes<K: Kind> {
    all: mpsc::UnboundedSender<()>,
    one: mpsc::UnboundedSender<ObjectRef<Guarded<K>>>,
}

impl<K: Kind> Wakes<K> {
    /// Wakes every object.
    pub(super) fn all(&self) {
        drop(self.all.unbounded_send(()));
    }

    /// Wakes the object of that name, if it is there.
    pub(super) fn one(&self, namespace: &str, name: &str) {
        drop(self.one.unbounded_send(ObjectRef::new(name).within(namespace)));
    }
}

/// What is woken: for each of the watched namespaces, or for all of them, a controller.
pub(super) struct Sleepers<K: Kind> {
    controllers: Vec<(Option<String>, Controller<Guarded<K>>)>,
    all: mpsc::UnboundedReceiver<()>,
    one: mpsc::UnboundedReceiver<ObjectRef<Guarded<K>>>,
}

impl<K: Kind> Sleepers<K> {
    /// Controllers for `namespaces`, or one for all; and who wakes their objects.
    pub(super) fn new(client: &Client, namespaces: &[String], stop: &CancellationToken) -> (Self, Wakes<K>) {
        let names: Vec<Option<String>> = match namespaces {
            [] => vec![None],
            names => names.iter().cloned().map(Some).collect(),
        };
        let controllers = names
            .into_iter()
            .zip(apis(client, namespaces))
            .map(|(name, api)| {
                let controller = Controller::new(api, watcher::Config::default());
                (name, controller.graceful_shutdown_on(stop.clone().cancelled_owned()))
            })
            .collect();
        let (wake_all, all) = mpsc::unbounded();
        let (wake_one, one) = mpsc::unbounded();
        (Self { controllers, all, one }, Wakes { all: wake_all, one: wake_one })
    }

    /// What the controllers know of their objects.
    pub(super) fn stores(&self) -> Vec<Store<Guarded<K>>> {
        self.controllers.iter().map(|(_, controller)| controller.store()).collect()
    }

    /// The controllers, awake.
    pub(super) fn controllers(self) -> Vec<Controller<Guarded<K>>> {
        let Self { controllers, mut all, mut one } = self;
        let mut senders_of_all = Vec::new();
        let mut senders_of_one = BTreeMap::new();
        let controllers = controllers
            .into_iter()
            .map(|(namespace, controller)| {
                let (all, woken) = mpsc::unbounded();
                senders_of_all.push(all);
                let (one, named) = mpsc::unbounded();
                senders_of_one.insert(namespace, one);
                controller.reconcile_all_on(woken).reconcile_on(named)
            })
            .collect();
        tokio::spawn(async move {
            while all.next().await.is_some() {
                for sender in &senders_of_all {
                    drop(sender.unbounded_send(()));
                }
            }
        });
        tokio::spawn(async move {
            while let Some(reference) = one.next().await {
                let sender = senders_of_one.get(&None).or_else(|| senders_of_one.get(&reference.namespace));
                if let Some(sender) = sender {
                    drop(sender.unbounded_send(reference));
                }
            }
        });
        controllers
    }
}

/// The object of that name, if one of the stores has it and it can be decoded.
pub(super) fn find<K: Kind>(stores: &[Store<Guarded<K>>], namespace: &str, name: &str) -> Option<Arc<Guarded<K>>> {
    let reference = ObjectRef::new(name).within(namespace);
    stores.iter().find_map(|store| store.get(&reference))
}

/// The objects in a namespace.
pub(super) fn in_namespace<K: Kind>(stores: &[Store<Guarded<K>>], namespace: &str) -> Vec<Arc<Guarded<K>>> {
    let is_there = |object: &Guarded<K>| object.meta().namespace.as_deref() == Some(namespace);
    stores.iter().flat_map(|store| store.state_filter(is_there)).collect()
}
