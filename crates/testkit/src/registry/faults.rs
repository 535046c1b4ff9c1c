//! What a registry can be told to do wrong, while it runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cleanbill_model::Digest;
use tokio::sync::Barrier;

#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) only: Option<String>,
    pub(super) lie_about_digest: bool,
    pub(super) other_bytes: HashMap<Digest, Vec<u8>>,
    pub(super) endless_body: bool,
    pub(super) stalled_body: bool,
    pub(super) too_many: u32,
    pub(super) retry_after: Option<String>,
    pub(super) errors: u32,
    pub(super) redirect_blobs: Option<String>,
    pub(super) redirect_loop: bool,
    pub(super) hang: bool,
    pub(super) pagination_loop: bool,
    pub(super) link: Option<String>,
    pub(super) drop_referrers: bool,
    pub(super) referrers_body: Option<Vec<u8>>,
    pub(super) content_type: Option<String>,
    pub(super) realm: Option<String>,
    pub(super) error_message: Option<String>,
    pub(super) upload_location: Option<String>,
    meet: Option<(String, String, usize, Arc<Barrier>)>,
}

/// Switches of what a registry does wrong. All off at first.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Plan>);

impl Faults {
    fn set(&self, f: impl FnOnce(&mut Plan)) {
        f(&mut self.0.lock().unwrap());
    }

    /// Everything off.
    pub fn clear(&self) {
        self.set(|p| *p = Plan::default());
    }

    /// Limits failing answers (429, 500, hanging, endless and stalled bodies, other content type) to
    /// paths that contain `part`.
    pub fn only(&self, part: &str) {
        self.set(|p| p.only = Some(part.to_owned()));
    }

    /// `Docker-Content-Digest` of manifests names other bytes than the body has.
    pub fn lie_about_digest(&self, on: bool) {
        self.set(|p| p.lie_about_digest = on);
    }

    /// Serves `bytes` when manifest or blob `digest` is asked for.
    pub fn serve_other_bytes(&self, digest: &Digest, bytes: impl Into<Vec<u8>>) {
        self.set(|p| drop(p.other_bytes.insert(digest.clone(), bytes.into())));
    }

    /// Answers with a body that never ends.
    pub fn endless_body(&self, on: bool) {
        self.set(|p| p.endless_body = on);
    }

    /// Answers with the beginning of a body, then nothing more.
    pub fn stalled_body(&self, on: bool) {
        self.set(|p| p.stalled_body = on);
    }

    /// Answers 429 to the next `times` requests, with this `Retry-After`.
    pub fn too_many_requests(&self, times: u32, retry_after: Option<&str>) {
        self.set(|p| {
            p.too_many = times;
            p.retry_after = retry_after.map(str::to_owned);
        });
    }

    /// Answers 500 to the next `times` requests.
    pub fn server_error(&self, times: u32) {
        self.set(|p| p.errors = times);
    }

    /// Redirects reads of blobs to the same path under `base`: `http://127.0.0.1:4000`.
    pub fn redirect_blobs(&self, base: Option<&str>) {
        self.set(|p| p.redirect_blobs = base.map(str::to_owned));
    }

    /// Redirects reads of blobs to themselves.
    pub fn redirect_loop(&self, on: bool) {
        self.set(|p| p.redirect_loop = on);
    }

    /// Never answers.
    pub fn hang(&self, on: bool) {
        self.set(|p| p.hang = on);
    }

    /// Every page of a list names itself as the next one.
    pub fn pagination_loop(&self, on: bool) {
        self.set(|p| p.pagination_loop = on);
    }

    /// Every referrers list carries this `Link` header.
    pub fn link(&self, header: Option<&str>) {
        self.set(|p| p.link = header.map(str::to_owned));
    }

    /// Referrers lists are empty.
    pub fn drop_referrers(&self, on: bool) {
        self.set(|p| p.drop_referrers = on);
    }

    /// Referrers lists have this body.
    pub fn referrers_body(&self, body: Option<&[u8]>) {
        self.set(|p| p.referrers_body = body.map(<[u8]>::to_vec));
    }

    /// Referrers lists are not JSON.
    pub fn malformed_referrers(&self, on: bool) {
        self.referrers_body(on.then_some(b"{\"schemaVersion\":2,\"manifests\":[{".as_slice()));
    }

    /// Manifests are served as this media type.
    pub fn content_type(&self, media_type: Option<&str>) {
        self.set(|p| p.content_type = media_type.map(str::to_owned));
    }

    /// Challenges name this token realm instead of the registry's own.
    pub fn realm(&self, url: Option<&str>) {
        self.set(|p| p.realm = url.map(str::to_owned));
    }

    /// Answers 500 and 429 carry this message, as any error body's `errors[].message`.
    pub fn error_message(&self, text: Option<&str>) {
        self.set(|p| p.error_message = text.map(str::to_owned));
    }

    /// Uploads are to be continued at this place.
    pub fn upload_location(&self, location: Option<&str>) {
        self.set(|p| p.upload_location = location.map(str::to_owned));
    }

    /// Holds the next `count` requests of `method` to paths that contain `part` until all of them have
    /// come, so that a race happens in every run.
    pub fn meet(&self, method: &str, part: &str, count: usize) {
        self.set(|p| p.meet = Some((method.to_owned(), part.to_owned(), count, Arc::new(Barrier::new(count)))));
    }

    /// What is wrong with the answer to a request of `method` to `path`; counts it.
    pub(super) fn plan(&self, path: &str) -> Plan {
        let mut plan = self.0.lock().unwrap();
        let mut now = plan.clone();
        if plan.only.as_ref().is_some_and(|part| !path.contains(part.as_str())) {
            (now.too_many, now.errors, now.hang) = (0, 0, false);
            (now.endless_body, now.stalled_body, now.content_type) = (false, false, None);
        } else if plan.too_many > 0 {
            plan.too_many -= 1;
            now.errors = 0;
        } else if plan.errors > 0 {
            plan.errors -= 1;
        }
        now
    }

    /// The meeting that a request takes part in.
    pub(super) fn meeting(&self, method: &str, path: &str) -> Option<Arc<Barrier>> {
        let mut plan = self.0.lock().unwrap();
        let (wanted, part, left, barrier) = plan.meet.as_mut()?;
        if wanted != method || !path.contains(part.as_str()) || *left == 0 {
            return None;
        }
        *left -= 1;
        Some(Arc::clone(barrier))
    }
}
