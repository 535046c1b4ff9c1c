//! What a statement names: an image, a package, a distribution, and whether it is the one at hand.
//!
//! Everything that a document says of a thing must hold together, so that a further identifier only
//! ever narrows. A thing without any identifier that can be compared matches nothing.

use cleanbill_model::{Digest, Distro, ImageIdentity, Package, Purl, Reference, Sbom};

use super::purl;

/// How many identifiers of one thing are kept; real documents have a handful.
const MAX_IDENTIFIERS: usize = 64;

/// One thing that a document names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Thing {
    /// As the document writes it, for people.
    pub(crate) shown: String,
    /// Package URLs of images (`oci`, `docker`).
    image_purls: Vec<Purl>,
    /// Package URLs of everything else.
    purls: Vec<Purl>,
    /// Image references and bare digests.
    images: Vec<ImageName>,
    /// Digests of its content.
    hashes: Vec<Digest>,
    /// Platform names (CPE).
    cpes: Vec<Cpe>,
    /// The versions it is limited to where its package URL names none.
    versions: Option<Vec<String>>,
    /// The document says something more of it that is not understood.
    unclear: bool,
    /// It has more identifiers than are kept, so it matches nothing.
    overfull: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ImageName {
    Digest(Digest),
    Reference(Reference),
}

impl Thing {
    pub(crate) fn new(shown: &str) -> Self {
        Self { shown: shown.to_owned(), ..Self::default() }
    }

    fn full(&self) -> bool {
        self.image_purls.len() + self.purls.len() + self.images.len() + self.hashes.len() + self.cpes.len()
            >= MAX_IDENTIFIERS
    }

    /// Adds a package URL; `false` if it is none.
    pub(crate) fn purl(&mut self, text: &str) -> bool {
        let Ok(mut purl) = Purl::parse(text) else { return false };
        if self.full() {
            self.overfull = true;
        } else if matches!(purl.kind.as_str(), "oci" | "docker") {
            self.image_purls.push(purl);
        } else {
            // What syft numbers its packages by says nothing about the package.
            purl.qualifiers.remove("package-id");
            self.purls.push(purl);
        }
        true
    }

    /// Adds a name of any kind: a package URL, a digest, an image with its registry, a CPE.
    pub(crate) fn name(&mut self, text: &str) {
        let text = text.trim();
        if self.purl(text) || self.full() {
            return;
        }
        if text.starts_with("cpe:") {
            self.cpe(text);
        } else if let Ok(digest) = Digest::parse(text) {
            self.images.push(ImageName::Digest(digest));
        } else if let Ok(reference) = Reference::parse(text) {
            // A short name could be anything; with a registry it is an image.
            let host = text.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost");
            if host {
                self.image(reference);
            }
        }
    }

    /// Adds an image by name. Without tag and digest it says too little.
    pub(crate) fn image(&mut self, reference: Reference) {
        if !self.full() && (reference.tag().is_some() || reference.digest().is_some()) {
            self.images.push(ImageName::Reference(reference));
        }
    }

    /// Adds a CPE, in the binding of 2.2 or 2.3.
    pub(crate) fn cpe(&mut self, text: &str) {
        match Cpe::parse(text) {
            Some(cpe) if !self.full() => self.cpes.push(cpe),
            _ => self.limit_not_understood(),
        }
    }

    /// Adds digests of the content, as algorithm and value: any of them may be the one.
    pub(crate) fn hashes<'a>(&mut self, hashes: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut given = false;
        for (algorithm, value) in hashes {
            given = true;
            let algorithm = algorithm.to_ascii_lowercase().replace('-', "");
            let digest = Digest::parse(&format!("{algorithm}:{}", value.to_ascii_lowercase()));
            if let (Ok(digest), false) = (digest, self.full()) {
                self.hashes.push(digest);
            }
        }
        if given && self.hashes.is_empty() {
            self.limit_not_understood();
        }
    }

    /// Limits it to some versions, where its package URL does not name one.
    pub(crate) fn only(&mut self, versions: Vec<String>) {
        match &mut self.versions {
            Some(own) => own.retain(|v| versions.contains(v)),
            None => self.versions = Some(versions),
        }
    }

    /// Says that the document limits it in a way that is not understood: it matches nothing, unless its
    /// package URL names one version, beside which a limit says nothing new.
    pub(crate) fn limit_not_understood(&mut self) {
        self.unclear = true;
    }

    /// Forgets the limits that cannot be checked: what is said to be affected may be more, never less.
    pub(crate) fn widen(&mut self) {
        self.unclear = false;
        if !self.purls.is_empty() {
            self.hashes.clear();
        }
    }

    /// Whether it is one image, whatever it is called and wherever it lies.
    pub(crate) fn is_image_by_digest(&self) -> bool {
        let digest = |p: &Purl| p.version.as_deref().is_some_and(|v| Digest::parse(v).is_ok());
        self.is_image() && !self.limited() && self.image_purls.iter().any(digest)
    }

    fn limited(&self) -> bool {
        let mut purls = self.purls.iter().chain(&self.image_purls).peekable();
        self.overfull || self.unclear && (purls.peek().is_none() || purls.any(|p| p.version.is_none()))
    }

    /// Whether there is anything to compare.
    pub(crate) fn can_match(&self) -> bool {
        !self.limited() && (self.is_image() || !self.purls.is_empty())
    }

    /// Whether a CPE could make it a distribution.
    pub(crate) fn is_platform(&self) -> bool {
        !self.limited() && self.purls.is_empty() && !self.is_image() && !self.cpes.is_empty()
    }

    /// Whether it names an image.
    pub(crate) fn is_image(&self) -> bool {
        let named = !self.image_purls.is_empty() || !self.images.is_empty();
        self.purls.is_empty() && (named || !self.hashes.is_empty())
    }

    /// The package URLs of a package.
    pub(crate) fn package_purls(&self) -> &[Purl] {
        &self.purls
    }

    /// The version its package URL names, if all name one.
    pub(crate) fn has_version(&self) -> bool {
        self.purls.iter().all(|p| p.version.is_some())
    }

    /// Whether the SBOM is of this image; `reference` is what its subject is called, read once.
    pub(crate) fn is_image_of(&self, sbom: &Sbom, reference: Option<&Reference>) -> bool {
        if self.limited() || !self.is_image() {
            return false;
        }
        let identity = sbom.subject.identity.as_ref();
        let has = |digest: &Digest| identity.is_some_and(|i| *digest == i.manifest || i.index.as_ref() == Some(digest));
        let named = |name: &ImageName| match name {
            ImageName::Digest(digest) => has(digest),
            ImageName::Reference(wanted) => match wanted.digest() {
                Some(digest) => has(digest),
                None => reference.is_some_and(|r| r.name() == wanted.name() && r.tag() == wanted.tag()),
            },
        };
        let pinned = !self.images.is_empty()
            || !self.hashes.is_empty()
            || self.image_purls.iter().all(|p| p.version.is_some() || p.qualifiers.contains_key("tag"));
        let version = |v: &String| {
            reference.and_then(Reference::tag) == Some(v.as_str()) || Digest::parse(v).is_ok_and(|digest| has(&digest))
        };
        (pinned || self.versions.as_ref().is_none_or(|versions| versions.iter().any(version)))
            && self.image_purls.iter().all(|p| image_purl(p, identity, reference))
            && self.images.iter().all(named)
            && (self.hashes.is_empty() || self.hashes.iter().any(has))
    }

    /// Whether it is this package.
    pub(crate) fn is_package(&self, package: &Package, distro: &Distro) -> bool {
        if self.limited() || self.purls.is_empty() || !self.purls.iter().all(|p| purl::names(p, package, distro)) {
            return false;
        }
        if self.has_version() {
            return true;
        }
        let plain = |v: &str| v.strip_prefix('v').unwrap_or(v).to_owned();
        let own = plain(&package.version);
        let one_of = self.versions.as_ref().is_none_or(|versions| versions.iter().any(|v| plain(v) == own));
        let by_cpe = self.cpes.iter().filter_map(|c| c.version.as_deref()).all(|v| plain(v) == own);
        // What files a package has is not known by digest: only a version says as much.
        one_of && by_cpe && self.hashes.is_empty()
    }

    /// Whether it is the distribution of the image.
    pub(crate) fn is_distro(&self, distro: &Distro) -> bool {
        self.is_platform() && self.cpes.iter().all(|cpe| cpe.is_distro(distro))
    }
}

/// purl-spec `types/oci`, `types/docker`: the version is a digest (for docker also a tag), the
/// qualifiers name repository, tag and architecture.
fn image_purl(wanted: &Purl, identity: Option<&ImageIdentity>, reference: Option<&Reference>) -> bool {
    let known = ["repository_url", "tag", "arch", "os"];
    if wanted.qualifiers.keys().any(|key| !known.contains(&key.as_str())) {
        return false;
    }
    let platform = identity.and_then(|i| i.platform.as_ref()).map(ToString::to_string).unwrap_or_default();
    let mut parts = platform.split('/');
    let (os, arch) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is = |key: &str, own: &str| wanted.qualifiers.get(key).is_none_or(|wanted| wanted == own);
    if !is("os", os) || !is("arch", arch) {
        return false;
    }
    let mut tag = wanted.qualifiers.get("tag").map(String::as_str);
    if let Some(version) = wanted.version.as_deref() {
        match Digest::parse(version) {
            // The digest alone decides which image is meant, wherever it was pulled from.
            Ok(digest) => return identity.is_some_and(|i| digest == i.manifest || i.index.as_ref() == Some(&digest)),
            Err(_) if wanted.kind == "docker" && tag.is_none_or(|tag| tag == version) => tag = Some(version),
            Err(_) => return false,
        }
    }
    let Some(reference) = reference else { return false };
    let own = reference.name();
    let url = wanted.qualifiers.get("repository_url").map(|url| plain_url(url));
    let repository = match (wanted.kind.as_str(), url) {
        ("docker", url) => {
            let host = url.filter(|u| u != "docker.io" && u != "hub.docker.com").unwrap_or_else(|| "docker.io".into());
            let path = match wanted.namespace.as_str() {
                "" if host == "docker.io" => format!("library/{}", wanted.name),
                "" => wanted.name.clone(),
                namespace => format!("{namespace}/{}", wanted.name),
            };
            own == format!("{host}/{path}")
        }
        // Some write the whole repository, others leave its name away.
        (_, Some(url)) => own == url || own == format!("{url}/{}", wanted.name),
        (_, None) => wanted.namespace.is_empty() && own.rsplit('/').next() == Some(wanted.name.as_str()),
    };
    repository && tag.is_none_or(|tag| reference.tag() == Some(tag))
}

/// A repository without scheme, and Docker Hub by its one name.
fn plain_url(url: &str) -> String {
    let url = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url).trim_end_matches('/');
    match url.strip_prefix("index.docker.io").or_else(|| url.strip_prefix("registry-1.docker.io")) {
        Some(rest) => format!("docker.io{rest}"),
        None => url.to_owned(),
    }
}

/// The parts of a CPE that are compared (NIST IR 7695): vendor, product, version, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cpe {
    vendor: String,
    product: String,
    version: Option<String>,
}

impl Cpe {
    fn parse(text: &str) -> Option<Self> {
        let (rest, separator) = match text.strip_prefix("cpe:2.3:") {
            Some(rest) => (rest, true),
            None => (text.strip_prefix("cpe:/")?, false),
        };
        let mut parts = Vec::new();
        let mut part = String::new();
        let mut escaped = false;
        for c in rest.chars() {
            match c {
                '\\' if separator && !escaped => escaped = true,
                ':' if !escaped => parts.push(std::mem::take(&mut part)),
                c => {
                    escaped = false;
                    part.extend(c.to_lowercase());
                }
            }
        }
        parts.push(part);
        let mut parts = parts.into_iter().skip(1);
        let (vendor, product) = (parts.next()?, parts.next()?);
        let version = parts.next().filter(|v| !matches!(v.as_str(), "" | "*" | "-"));
        (!vendor.is_empty() && !product.is_empty()).then_some(Self { vendor, product, version })
    }

    /// Red Hat names the distribution and a part of it (`cpe:/a:redhat:enterprise_linux:9::appstream`);
    /// products on top and channels with longer support have names of their own, which do not match.
    fn is_distro(&self, distro: &Distro) -> bool {
        let id = match (self.vendor.as_str(), self.product.as_str()) {
            ("redhat", "enterprise_linux") => "rhel",
            ("debian", "debian_linux") => "debian",
            ("canonical", "ubuntu_linux") => "ubuntu",
            ("alpinelinux", "alpine_linux") => "alpine",
            ("suse", product) if product == distro.id => product,
            ("opensuse", "leap") => "opensuse-leap",
            ("rocky" | "resf", "rocky" | "rocky_linux") => "rocky",
            ("almalinux" | "alma", "linux" | "almalinux") => "almalinux",
            ("oracle", "linux") => "ol",
            _ => return false,
        };
        let within = |wanted: &str| {
            distro.version.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        distro.id == id && self.version.as_deref().is_none_or(within)
    }
}
