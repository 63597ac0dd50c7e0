#![doc = include_str!("../README.md")]
#![allow(
    unreachable_pub,
    clippy::struct_field_names,
    reason = "the schema derive makes a public twin of each type inside a function, with the names that users write"
)]

mod alerts;
mod backup;
mod cache;
mod data;
mod demo;
mod duration;
mod gateway;
mod images;
mod load_test;
mod monitoring;
mod pods;
mod profile;
mod quantity;
mod security;
mod services;
mod status;
mod store;

pub use alerts::{ALERT_LABELS, AlertWindows, Alerts};
pub use backup::{Backup, BackupStorage};
pub use cache::{Cache, CachePolicy, CacheTuning, Caches, LocalTier, Pattern, TuningMode};
pub use data::{
    CloudNativePg, DataRetention, Database, External, ManagedDatabase, ManagedRedis, Redis, SecretRef, Storage,
};
pub use demo::Demo;
pub use duration::{Duration, InvalidDuration};
pub use gateway::{Gateway, GatewayService, HttpRoute, Ingress, ParentRef, ServiceType, Tls};
pub use images::{Digests, Images, PullPolicy, PullSecret};
pub use load_test::{LoadShape, LoadTest};
pub use monitoring::{
    Alertmanager, Exporters, Grafana, Monitoring, Prometheus, Telegram, TelegramSecret, Tool, Tools, Tracing,
};
pub use pods::{
    ComputeResources, ExtraMetadata, PodTemplate, Pods, ResourceAmounts, Scheduling, Spread, TaintEffect, Toleration,
    TolerationOperator, WhenUnsatisfiable, is_own_key,
};
pub use profile::Profile;
pub use quantity::{InvalidQuantity, Quantity};
pub use security::{PodSecurity, SeLinuxOptions};
pub use services::{Autoscaling, Lifecycle, OrderService, ServiceBlock, Services, UserService};
pub use status::{
    BackupFailure, BackupStatus, CachePolicyStatus, CacheStatus, ConditionType, Endpoints, ServiceStatus, StoreStatus,
    Versions,
};
pub use store::{PAUSED_ANNOTATION, ROTATE_SIGNING_KEY_ANNOTATION, Store, StoreSpec};
