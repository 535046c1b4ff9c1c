//! `cleanbill admission manifest`: the webhook configurations, for the administrator to read and apply.

use anyhow::Context as _;
use cleanbill_cluster::webhook::{Endpoint, WebhookMode, WebhookOptions};

use crate::args::{Admission, Mode};
use crate::{Outcome, output, paths};

pub(crate) fn run(args: &Admission) -> anyhow::Result<Outcome> {
    let Admission::Manifest { url, service, mode, data_dir } = args;
    let data_dir = paths::data_dir(data_dir.as_ref())?;
    let (endpoint, names) = match (url, service) {
        (Some(url), _) => {
            let parsed = reqwest::Url::parse(url).with_context(|| format!("`{url}` is not a URL"))?;
            if parsed.scheme() != "https" {
                anyhow::bail!("`{url}` is not an https URL: API servers call webhooks by TLS only");
            }
            let host = parsed.host_str().with_context(|| format!("`{url}` names no host"))?;
            (Endpoint::Url(url.trim_end_matches('/').to_owned()), vec![host.trim_matches(['[', ']']).to_owned()])
        }
        (None, Some(service)) => {
            let (namespace, rest) = service
                .split_once('/')
                .filter(|(ns, rest)| !ns.is_empty() && !rest.is_empty())
                .with_context(|| format!("`{service}` is not NAMESPACE/NAME[:PORT]"))?;
            let (name, port) = match rest.split_once(':') {
                Some((name, port)) => (name, port.parse().with_context(|| format!("`{port}` is not a port"))?),
                None => (rest, 443),
            };
            let names = vec![format!("{name}.{namespace}.svc")];
            (Endpoint::Service { namespace: namespace.to_owned(), name: name.to_owned(), port }, names)
        }
        (None, None) => anyhow::bail!("name the webhook by --url or --service"),
    };
    let identity = cleanbill_admission::certs::Identity::open(&data_dir, &names, jiff::Timestamp::now())?;
    let options = WebhookOptions {
        endpoint,
        ca_pem: identity.ca_pem.clone(),
        secret: identity.secret.clone(),
        mode: match mode {
            Mode::Audit => WebhookMode::Audit,
            Mode::Enforce => WebhookMode::Enforce,
        },
        timeout_seconds: 10,
    };
    output::data(cleanbill_cluster::webhook::manifest(&options))?;
    Ok(Outcome::Done)
}
