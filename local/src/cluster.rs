//! The cluster without Docker, one file for each component.

pub(crate) mod apiserver;
pub(crate) mod etcd;
