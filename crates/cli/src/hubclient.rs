//! Asking a hub: which one, with which token. The store is never opened: it has one owner.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::args::HubArgs;
use crate::paths;

/// The file in the data directory in which a running hub says where it is.
pub(crate) const ADDRESS_FILE: &str = "hub.json";
/// The file in the data directory that holds the token of the command line.
pub(crate) const TOKEN_FILE: &str = "token";
const ANSWER_LIMIT: usize = 64 << 20;

/// A hub to ask.
pub(crate) struct HubClient {
    url: String,
    token: String,
    http: reqwest::Client,
}

impl HubClient {
    /// The hub named, else the one that runs on the data directory.
    pub(crate) fn find(args: &HubArgs) -> anyhow::Result<Self> {
        let mut data_dir = paths::data_dir(args.data_dir.as_ref())?;
        // With nothing named and no hub of one's own, the demo's is meant if it runs.
        if args.data_dir.is_none()
            && !data_dir.join(ADDRESS_FILE).exists()
            && data_dir.join("demo").join(ADDRESS_FILE).exists()
        {
            data_dir.push("demo");
        }
        let url = if let Some(url) = &args.hub {
            url.clone()
        } else {
            let file = data_dir.join(ADDRESS_FILE);
            let text = std::fs::read_to_string(&file).with_context(|| {
                format!(
                    "no hub runs on {}\nhint: start one: cleanbill up --context NAME, or look around: cleanbill up --demo; or name one by --hub URL",
                    data_dir.display()
                )
            })?;
            let document: Value =
                serde_json::from_str(&text).with_context(|| format!("{} is damaged", file.display()))?;
            document["hub"].as_str().with_context(|| format!("{} names no hub", file.display()))?.to_owned()
        };
        let token_file: PathBuf = args.token_file.clone().unwrap_or_else(|| data_dir.join(TOKEN_FILE));
        let token = match std::env::var("CLEANBILL_TOKEN") {
            Ok(token) if !token.is_empty() => token,
            _ => std::fs::read_to_string(&token_file).with_context(|| {
                format!(
                    "could not read the token {}\nhint: name it by --token-file or set CLEANBILL_TOKEN",
                    token_file.display()
                )
            })?,
        };
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .context("could not set up the HTTP client")?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), token: token.trim().to_owned(), http })
    }

    /// GET a path with a query.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.url))
            .with_context(|| format!("`{}` is not the URL of a hub", self.url))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(self.http.get(url)).await
    }

    /// POST to a path.
    pub(crate) async fn post(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.http.post(format!("{}{path}", self.url))).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let mut response =
            request.bearer_auth(&self.token).send().await.with_context(|| {
                format!("could not reach the hub at {}\nhint: is `cleanbill up` running?", self.url)
            })?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.with_context(|| format!("the answer of {} broke off", self.url))?
        {
            if body.len() + chunk.len() > ANSWER_LIMIT {
                anyhow::bail!("the answer of {} is larger than {} MiB", self.url, ANSWER_LIMIT >> 20);
            }
            body.extend_from_slice(&chunk);
        }
        let document: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(document);
        }
        let message = document["error"].as_str().map_or_else(|| format!("status {status}"), str::to_owned);
        let hint = document["hint"].as_str().map(|h| format!("\nhint: {h}")).unwrap_or_default();
        anyhow::bail!("the hub at {} refused: {message}{hint}", self.url)
    }
}
