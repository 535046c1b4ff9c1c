//! `cleanbill where QUERY`: exactly which pods, in all clusters, run it.

use anyhow::Context as _;
use serde_json::Value;

use crate::args::{Format, Where};
use crate::hubclient::HubClient;
use crate::{Outcome, output};

pub(crate) async fn run(args: &Where) -> anyhow::Result<Outcome> {
    let hub = HubClient::find(&args.hub)?;
    let limit = args.limit.to_string();
    let mut query = vec![("q", args.query.as_str()), ("limit", limit.as_str())];
    if let Some(cursor) = &args.cursor {
        query.push(("cursor", cursor));
    }
    let answer = hub.get("/api/v1/where", &query).await?;
    let text = match args.output {
        Format::Json => serde_json::to_string_pretty(&answer).context("could not write JSON")? + "\n",
        Format::Table => table(&answer),
    };
    output::data(text)?;
    Ok(Outcome::Done)
}

fn table(answer: &Value) -> String {
    let clean = |value: &Value| cleanbill_report::terminal::clean(value.as_str().unwrap_or_default()).into_owned();
    let mut text = String::new();
    for sentence in ["sentence", "coverage_sentence"] {
        text.push_str(&clean(&answer[sentence]));
        text.push('\n');
    }
    let rows: Vec<[String; 6]> = answer["matches"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|m| {
            let packages: Vec<_> = m["packages"].as_array().into_iter().flatten().map(|p| clean(&p["purl"])).collect();
            [
                clean(&m["cluster"]),
                clean(&m["namespace"]),
                format!("{}/{}", clean(&m["workload"]["kind"]), clean(&m["workload"]["name"])),
                clean(&m["pod"]),
                clean(&m["state"]),
                packages.join(" "),
            ]
        })
        .collect();
    if !rows.is_empty() {
        text.push('\n');
        let head = ["cluster", "namespace", "workload", "pod", "state", "package"].map(str::to_owned);
        let widths: Vec<usize> =
            (0..6).map(|i| rows.iter().chain([&head]).map(|r| r[i].chars().count()).max().unwrap_or(0)).collect();
        for row in [&head].into_iter().chain(&rows) {
            let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
    }
    for row in answer["uncovered"].as_array().into_iter().flatten().take(20) {
        text.push_str(&format!(
            "not covered: {}/{} {} {}: {}\n",
            clean(&row["cluster"]),
            clean(&row["namespace"]),
            clean(&row["pod"]),
            clean(&row["image"]),
            clean(&row["why"])
        ));
    }
    if let Some(next) = answer["next"].as_str() {
        text.push_str(&format!("more: --cursor {next}\n"));
    }
    text
}
