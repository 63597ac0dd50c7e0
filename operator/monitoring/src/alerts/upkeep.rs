//! What ends by itself unless somebody sees to it: certificates and backups.

use std::time::Duration;

use super::Context;
use crate::promql::{Expr, Job, now};
use crate::rules::{Alert, Severity};

/// Then there is no time left to wait for the usual renewal.
const SOON: Duration = Duration::from_secs(24 * 3600);

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    let mut all = vec![
        certificate(context, Severity::Critical, context.settings.certificate_left.min(SOON)),
        certificate(context, Severity::Warning, context.settings.certificate_left),
    ];
    all.extend(context.settings.backup_age.map(|age| backup(context, age)));
    all
}

fn moment(context: &Context<'_>, name: &str) -> Expr {
    context.job(Job::Operator).metric(name).now().max(&[])
}

fn certificate(context: &Context<'_>, severity: Severity, left: Duration) -> Alert {
    let remaining = moment(context, "operator_store_certificate_expiry_timestamp_seconds") - now();
    context
        .alert("CertificateExpires", severity, "gateway", &remaining.below(left.as_secs_f64()))
        .lasting(context.minutes(5))
        .says(
            "The gateway's certificate ends soon.",
            "The gateway's certificate is good for another {{ $value | humanizeDuration }}.",
        )
        .on("shop-gateway")
}

fn backup(context: &Context<'_>, age: Duration) -> Alert {
    let since = now() - moment(context, "operator_store_backup_last_success_timestamp_seconds");
    context
        .alert("BackupTooOld", Severity::Warning, "postgres", &since.above(age.as_secs_f64()))
        .lasting(context.minutes(5))
        .says("There is no recent backup.", "There has been no complete backup for {{ $value | humanizeDuration }}.")
        .on("shop-postgresql")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let certificate = |until| {
        let name = "operator_store_certificate_expiry_timestamp_seconds";
        Example::of("CertificateExpires", "10m").with("operator", name, "", until)
    };
    let backup = |at, made| {
        let name = "operator_store_backup_last_success_timestamp_seconds";
        Example::of("BackupTooOld", at).with("operator", name, "", made)
    };
    let gateway = [("service", "gateway")];
    vec![
        // promtool's clock begins at 0, so this is in three days, and that in two hours.
        certificate("259800x60").fires(
            Severity::Warning,
            gateway,
            "The gateway's certificate is good for another 3d 0h 0m 0s.",
        ),
        certificate("7800x60")
            .fires(Severity::Warning, gateway, "The gateway's certificate is good for another 2h 0m 0s.")
            .fires(Severity::Critical, gateway, "The gateway's certificate is good for another 2h 0m 0s."),
        certificate("9000000x60"),
        // The tests ask for one every half hour.
        backup("40m", "0x100").fires(
            Severity::Warning,
            [("service", "postgres")],
            "There has been no complete backup for 40m 0s.",
        ),
        backup("20m", "0x100"),
    ]
}
