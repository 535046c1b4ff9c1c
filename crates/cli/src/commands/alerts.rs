//! `cleanbill alerts`: what became known to run, newest first; `ack ID`.

use anyhow::Context as _;
use serde_json::Value;

use crate::args::{AlertAction, Alerts, Format};
use crate::hubclient::HubClient;
use crate::{Outcome, output};

pub(crate) async fn run(args: &Alerts) -> anyhow::Result<Outcome> {
    let hub = HubClient::find(&args.hub)?;
    if let Some(AlertAction::Ack { id }) = &args.action {
        if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            anyhow::bail!("`{id}` is not the id of an alert\nhint: cleanbill alerts lists them");
        }
        hub.post(&format!("/api/v1/alerts/{id}/ack")).await?;
        output::say(format!("alert {id} is acknowledged"));
        return Ok(Outcome::Done);
    }
    let answer = hub.get("/api/v1/alerts", &[]).await?;
    let text = match args.output {
        Format::Json => serde_json::to_string_pretty(&answer).context("could not write JSON")? + "\n",
        Format::Table => table(&answer),
    };
    output::data(text)?;
    Ok(Outcome::Done)
}

fn table(answer: &Value) -> String {
    let clean = |value: &Value| cleanbill_report::terminal::clean(value.as_str().unwrap_or_default()).into_owned();
    let Some(alerts) = answer["alerts"].as_array().filter(|a| !a.is_empty()) else {
        return "no alerts: nothing became known to run since the first start\n".to_owned();
    };
    let mut text = String::new();
    for alert in alerts {
        let acknowledged = if alert["acknowledged"].is_null() { "" } else { ", acknowledged" };
        let what = match alert["kind"].as_str() {
            Some("fixed") => "runs nowhere any more".to_owned(),
            _ => format!("runs in {} pods", alert["counts"]["pods"].as_u64().unwrap_or(0)),
        };
        text.push_str(&format!(
            "{} {} {} {what} ({}{acknowledged})\n",
            clean(&alert["at"]),
            clean(&alert["kind"]),
            clean(&alert["vulnerability"]),
            clean(&alert["id"]),
        ));
        for pod in alert["pods"].as_array().into_iter().flatten().take(20) {
            text.push_str(&format!(
                "  {}/{}/{}  {}\n",
                clean(&pod["cluster"]),
                clean(&pod["namespace"]),
                clean(&pod["pod"]),
                clean(&pod["image"])
            ));
        }
    }
    text
}
