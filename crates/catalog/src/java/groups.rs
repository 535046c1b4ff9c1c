//! Which Maven group an archive belongs to that does not say so: Gradle and Ant leave no
//! `pom.properties` behind. Advisories speak of `GROUP:ARTIFACT`, so without group none is ever found.
//!
//! Nothing is guessed. Either the archive says a name that ends in its artifact, of which the rest is
//! the group (OSGi's `Bundle-SymbolicName` as Maven's bundle plug-in makes it, Java's
//! `Automatic-Module-Name`, Gradle's `GROUP#ARTIFACT;VERSION`), or both the artifact and the packages of
//! its classes are those of a well-known project in the table.

use std::collections::{BTreeMap, BTreeSet};

/// Artifacts of one group: the name, or its start if it ends in `*`; a package its classes are in; the
/// group. The first row that fits counts.
type Row = (&'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    // Spring builds with Gradle.
    ("spring-security-oauth2", "org/springframework/security/oauth2", "org.springframework.security.oauth"),
    ("spring-security-*", "org/springframework/security", "org.springframework.security"),
    ("spring-boot*", "org/springframework/boot", "org.springframework.boot"),
    ("spring-data-rest-*", "org/springframework/data", "org.springframework.data"),
    ("spring-data-*", "org/springframework/data", "org.springframework.data"),
    ("spring-cloud-gateway-*", "org/springframework/cloud", "org.springframework.cloud"),
    ("spring-cloud-*", "org/springframework/cloud", "org.springframework.cloud"),
    ("spring-integration-*", "org/springframework/integration", "org.springframework.integration"),
    ("spring-batch-*", "org/springframework/batch", "org.springframework.batch"),
    ("spring-kafka*", "org/springframework/kafka", "org.springframework.kafka"),
    ("spring-amqp", "org/springframework/amqp", "org.springframework.amqp"),
    ("spring-rabbit*", "org/springframework/amqp", "org.springframework.amqp"),
    ("spring-session-*", "org/springframework/session", "org.springframework.session"),
    ("spring-hateoas", "org/springframework/hateoas", "org.springframework.hateoas"),
    ("spring-retry", "org/springframework/retry", "org.springframework.retry"),
    ("spring-ldap-*", "org/springframework/ldap", "org.springframework.ldap"),
    ("spring-ws-*", "org/springframework/ws", "org.springframework.ws"),
    ("spring-xml", "org/springframework/xml", "org.springframework.ws"),
    ("spring-webflow", "org/springframework/webflow", "org.springframework.webflow"),
    ("spring-graphql*", "org/springframework/graphql", "org.springframework.graphql"),
    ("spring-vault-core", "org/springframework/vault", "org.springframework.vault"),
    ("spring-plugin-*", "org/springframework/plugin", "org.springframework.plugin"),
    ("spring-restdocs-*", "org/springframework/restdocs", "org.springframework.restdocs"),
    ("spring-statemachine-*", "org/springframework/statemachine", "org.springframework.statemachine"),
    ("spring-*", "org/springframework", "org.springframework"),
    ("micrometer-*", "io/micrometer", "io.micrometer"),
    ("reactor-core", "reactor/core", "io.projectreactor"),
    ("reactor-netty*", "reactor/netty", "io.projectreactor.netty"),
    // Web servers and their like.
    ("tomcat-embed-*", "org/apache", "org.apache.tomcat.embed"),
    ("tomcat-*", "org/apache", "org.apache.tomcat"),
    ("catalina*", "org/apache/catalina", "org.apache.tomcat"),
    ("coyote", "org/apache/coyote", "org.apache.tomcat"),
    ("jasper*", "org/apache/jasper", "org.apache.tomcat"),
    ("okhttp", "okhttp3", "com.squareup.okhttp3"),
    ("okhttp-*", "okhttp3", "com.squareup.okhttp3"),
    ("logging-interceptor", "okhttp3/logging", "com.squareup.okhttp3"),
    ("okhttp", "com/squareup/okhttp", "com.squareup.okhttp"),
    ("okio*", "okio", "com.squareup.okio"),
    ("retrofit", "retrofit2", "com.squareup.retrofit2"),
    ("converter-*", "retrofit2/converter", "com.squareup.retrofit2"),
    ("grpc-*", "io/grpc", "io.grpc"),
    ("netty", "org/jboss/netty", "io.netty"),
    ("netty-*", "io/netty", "io.netty"),
    ("undertow-*", "io/undertow", "io.undertow"),
    ("armeria*", "com/linecorp/armeria", "com.linecorp.armeria"),
    ("ratpack-*", "ratpack", "io.ratpack"),
    ("micronaut-*", "io/micronaut", "io.micronaut"),
    ("vertx-*", "io/vertx", "io.vertx"),
    // Languages.
    ("kotlin-*", "kotlin", "org.jetbrains.kotlin"),
    ("kotlinx-*", "kotlinx", "org.jetbrains.kotlinx"),
    ("ktor-*", "io/ktor", "io.ktor"),
    ("groovy*", "groovy", "org.codehaus.groovy"), // until version 3
    ("scala-*", "scala", "org.scala-lang"),
    ("akka-http*", "akka", "com.typesafe.akka"),
    ("akka-*", "akka", "com.typesafe.akka"),
    ("play_*", "play", "com.typesafe.play"),
    ("rhino*", "org/mozilla/javascript", "org.mozilla"),
    // Data.
    ("log4j", "org/apache/log4j", "log4j"),
    ("log4j-*", "org/apache/logging/log4j", "org.apache.logging.log4j"),
    ("logback-*", "ch/qos/logback", "ch.qos.logback"),
    ("snakeyaml", "org/yaml/snakeyaml", "org.yaml"),
    ("xstream", "com/thoughtworks/xstream", "com.thoughtworks.xstream"),
    ("h2", "org/h2", "com.h2database"),
    ("hsqldb", "org/hsqldb", "org.hsqldb"),
    ("derby*", "org/apache/derby", "org.apache.derby"),
    ("postgresql", "org/postgresql", "org.postgresql"),
    ("mysql-connector-java", "com/mysql", "mysql"),
    ("mysql-connector-j", "com/mysql", "com.mysql"),
    ("mariadb-java-client", "org/mariadb", "org.mariadb.jdbc"),
    ("mssql-jdbc", "com/microsoft/sqlserver", "com.microsoft.sqlserver"),
    ("ojdbc*", "oracle", "com.oracle.database.jdbc"),
    ("c3p0", "com/mchange", "com.mchange"),
    ("hibernate-validator*", "org/hibernate/validator", "org.hibernate.validator"),
    ("hibernate-*", "org/hibernate", "org.hibernate"),
    ("kafka-clients", "org/apache/kafka", "org.apache.kafka"),
    ("kafka_*", "kafka", "org.apache.kafka"),
    ("kafka-*", "org/apache/kafka", "org.apache.kafka"),
    ("connect-*", "org/apache/kafka", "org.apache.kafka"),
    ("lucene-*", "org/apache/lucene", "org.apache.lucene"),
    ("solr-*", "org/apache/solr", "org.apache.solr"),
    ("elasticsearch", "org/elasticsearch", "org.elasticsearch"),
    ("elasticsearch-rest-*", "org/elasticsearch", "org.elasticsearch.client"),
    ("elasticsearch-*", "org/elasticsearch", "org.elasticsearch"),
    ("opensearch*", "org/opensearch", "org.opensearch"),
    ("jedis", "redis/clients", "redis.clients"),
    ("amqp-client", "com/rabbitmq", "com.rabbitmq"),
    ("java-driver-*", "com/datastax", "com.datastax.oss"),
    ("mongodb-driver-*", "com/mongodb", "org.mongodb"),
    ("mongo-java-driver", "com/mongodb", "org.mongodb"),
    ("graphql-java", "graphql", "com.graphql-java"),
    ("json", "org/json", "org.json"),
    ("json-path", "com/jayway/jsonpath", "com.jayway.jsonpath"),
    ("json-smart", "net/minidev/json", "net.minidev"),
    ("jettison", "org/codehaus/jettison", "org.codehaus.jettison"),
    ("fastjson", "com/alibaba/fastjson", "com.alibaba"),
    ("gson", "com/google/gson", "com.google.code.gson"),
    ("guava", "com/google/common", "com.google.guava"),
    ("protobuf-*", "com/google/protobuf", "com.google.protobuf"),
    // Ciphers.
    ("bcprov-*", "org/bouncycastle", "org.bouncycastle"),
    ("bcpkix-*", "org/bouncycastle", "org.bouncycastle"),
    ("bc*", "org/bouncycastle", "org.bouncycastle"),
    ("nimbus-jose-jwt", "com/nimbusds", "com.nimbusds"),
    ("jjwt*", "io/jsonwebtoken", "io.jsonwebtoken"),
    ("jose4j", "org/jose4j", "org.bitbucket.b_c"),
    // What Ant built.
    ("ant", "org/apache/tools/ant", "org.apache.ant"),
    ("ant-*", "org/apache/tools/ant", "org.apache.ant"),
    ("axis", "org/apache/axis", "axis"),
    ("axis2-*", "org/apache/axis2", "org.apache.axis2"),
    ("xercesImpl", "org/apache/xerces", "xerces"),
    ("xalan", "org/apache/xalan", "xalan"),
    ("serializer", "org/apache/xml/serializer", "xalan"),
    ("dom4j", "org/dom4j", "org.dom4j"),
    ("jdom", "org/jdom", "org.jdom"),
    ("jdom2", "org/jdom2", "org.jdom"),
    ("freemarker", "freemarker", "org.freemarker"),
    ("velocity", "org/apache/velocity", "org.apache.velocity"),
    ("batik-*", "org/apache/batik", "org.apache.xmlgraphics"),
    ("fop*", "org/apache/fop", "org.apache.xmlgraphics"),
    ("poi*", "org/apache/poi", "org.apache.poi"),
    ("itextpdf", "com/itextpdf", "com.itextpdf"),
    ("quartz", "org/quartz", "org.quartz-scheduler"),
    ("bsh", "bsh", "org.beanshell"),
    ("junit", "org/junit", "junit"),
    ("junit-jupiter-*", "org/junit/jupiter", "org.junit.jupiter"),
    ("junit-platform-*", "org/junit/platform", "org.junit.platform"),
    ("mockito-*", "org/mockito", "org.mockito"),
    ("byte-buddy*", "net/bytebuddy", "net.bytebuddy"),
    ("testng", "org/testng", "org.testng"),
    ("jcommander", "com/beust/jcommander", "com.beust"),
    ("jsch", "com/jcraft/jsch", "com.jcraft"),
    ("allure-*", "io/qameta/allure", "io.qameta.allure"),
    ("commons-io", "org/apache/commons/io", "commons-io"),
    ("commons-lang", "org/apache/commons/lang", "commons-lang"),
    ("commons-codec", "org/apache/commons/codec", "commons-codec"),
    ("commons-logging", "org/apache/commons/logging", "commons-logging"),
    ("commons-beanutils*", "org/apache/commons/beanutils", "commons-beanutils"),
    ("commons-fileupload", "org/apache/commons/fileupload", "commons-fileupload"),
    ("commons-httpclient", "org/apache/commons/httpclient", "commons-httpclient"),
    ("commons-collections", "org/apache/commons/collections", "commons-collections"),
    ("commons-dbcp", "org/apache/commons/dbcp", "commons-dbcp"),
    ("commons-pool", "org/apache/commons/pool", "commons-pool"),
    ("commons-digester", "org/apache/commons/digester", "commons-digester"),
    ("commons-cli", "org/apache/commons/cli", "commons-cli"),
    ("commons-net", "org/apache/commons/net", "commons-net"),
    ("commons-configuration", "org/apache/commons/configuration", "commons-configuration"),
    ("commons-validator", "org/apache/commons/validator", "commons-validator"),
    ("commons-jxpath", "org/apache/commons/jxpath", "commons-jxpath"),
    ("commons-*", "org/apache/commons", "org.apache.commons"),
    ("plexus-utils", "org/codehaus/plexus", "org.codehaus.plexus"),
];

/// Vendors that are no groups, though manifests name them as `Implementation-Vendor-Id`.
const VENDORS: [&str; 6] = ["org.apache", "com.sun", "com.oracle", "org.eclipse", "com.google", "org.jboss"];

/// The packages that classes of an archive are in, by their first folders.
#[derive(Debug, Default)]
pub(super) struct Packages(BTreeSet<String>);

impl Packages {
    /// Folders that are looked at, and packages that are kept.
    const DEPTH: usize = 4;
    const LIMIT: usize = 4096;

    /// Remembers the package of a class file.
    pub(super) fn add(&mut self, class: &str) {
        // Variants for newer versions of Java lie in `META-INF/versions/N`.
        let class = match class.strip_prefix("META-INF/versions/") {
            Some(rest) => rest.split_once('/').map_or(rest, |(_, class)| class),
            None => class,
        };
        let Some((folder, _)) = class.rsplit_once('/') else { return };
        let end = folder.match_indices('/').nth(Self::DEPTH - 1).map_or(folder.len(), |(at, _)| at);
        if self.0.len() < Self::LIMIT && !self.0.contains(&folder[..end]) {
            self.0.insert(folder[..end].to_owned());
        }
    }

    /// Whether there are classes in this package or one below it.
    pub(super) fn has(&self, package: &str) -> bool {
        let below = |p: &String| p.strip_prefix(package).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.0.range(package.to_owned()..).take_while(|p| p.starts_with(package)).any(below)
    }
}

/// The group of an archive that is `artifact`, as far as its manifest and its classes tell.
pub(super) fn group(artifact: &str, manifest: &BTreeMap<String, String>, packages: &Packages) -> Option<String> {
    let vendor = || stated(manifest, "implementation-vendor-id").filter(|v| !VENDORS.contains(v));
    let stated = || vendor().or_else(|| stated(manifest, "bundle-group")).filter(|g| is_group(g)).map(str::to_owned);
    group_by_name(artifact, manifest, packages).or_else(stated)
}

/// A value of the manifest that says something.
fn stated<'a>(manifest: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    manifest.get(key).map(|v| v.trim()).filter(|v| !v.is_empty() && !v.contains("${"))
}

/// The same where it proves that the archive is `artifact`.
pub(super) fn group_by_name(
    artifact: &str,
    manifest: &BTreeMap<String, String>,
    packages: &Packages,
) -> Option<String> {
    let stated = |key: &str| stated(manifest, key);
    let named = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => artifact.starts_with(start),
        None => artifact == pattern,
    };
    if let Some((_, _, group)) = ROWS.iter().find(|(name, package, _)| named(name) && packages.has(package)) {
        let version = stated("implementation-version").or(stated("bundle-version")).unwrap_or_default();
        let major = version.split('.').next().and_then(|n| n.parse::<u32>().ok());
        let moved = *group == "org.codehaus.groovy" && major.is_some_and(|n| n >= 4);
        return Some(if moved { "org.apache.groovy" } else { group }.to_owned());
    }
    let title = stated("implementation-title").and_then(|t| t.split_once('#')).map(|(group, _)| group);
    let bundle = stated("bundle-symbolicname").map(|b| b.split(';').next().unwrap_or_default().trim());
    let module = stated("automatic-module-name");
    title
        .map(str::to_owned)
        .or_else(|| bundle.and_then(|b| before_artifact(b, artifact)))
        .or_else(|| module.and_then(|m| before_artifact(m, artifact)))
        .filter(|g| is_group(g))
}

/// Whether a text has the form of a group: a domain turned round.
fn is_group(group: &str) -> bool {
    group.contains('.')
        && group.split('.').all(|part| !part.is_empty())
        && group.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// What stands before the artifact in a dotted name: `org.x` in `org.x.my-lib` and `org.x.my_lib` for
/// `my-lib`, and `org.x` in `org.x.lib` for `x-lib`, as the bundle plug-in does not say `x` twice.
fn before_artifact(name: &str, artifact: &str) -> Option<String> {
    let whole = [artifact.to_owned(), artifact.replace('-', "_")];
    if let Some(group) = whole.iter().find_map(|a| name.strip_suffix(a.as_str())?.strip_suffix('.')) {
        return is_group(group).then(|| group.to_owned());
    }
    let (first, rest) = artifact.split_once(['-', '.']).unwrap_or((artifact, ""));
    let endings = [rest.to_owned(), rest.replace('-', "."), rest.replace('-', "_")];
    let group = match rest {
        "" => name,
        _ => endings.iter().find_map(|e| name.strip_suffix(e.as_str())?.strip_suffix('.'))?,
    };
    let ends = group.strip_suffix(first).is_some_and(|before| before.ends_with('.'));
    (ends && is_group(group)).then(|| group.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(artifact: &str, manifest: &[(&str, &str)], classes: &[&str], expect: Option<&str>) {
        let manifest = manifest.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut packages = Packages::default();
        for class in classes {
            packages.add(class);
        }
        assert_eq!(group(artifact, &manifest, &packages).as_deref(), expect, "{artifact}");
    }

    #[test]
    fn well_known_projects_are_known_by_artifact_and_classes() {
        check("spring-core", &[], &["org/springframework/core/X.class"], Some("org.springframework"));
        check("spring-boot", &[], &["org/springframework/boot/X.class"], Some("org.springframework.boot"));
        check(
            "spring-security-web",
            &[],
            &["META-INF/versions/9/org/springframework/security/web/X.class"],
            Some("org.springframework.security"),
        );
        check("spring-core", &[], &["com/springtime/X.class"], None);
        check("spring-core", &[], &["org/springframeworks/X.class"], None);
        check("log4j", &[], &["org/apache/log4j/X.class"], Some("log4j"));
        check("groovy-json", &[], &["groovy/json/X.class"], Some("org.codehaus.groovy"));
        let four = [("implementation-version", "4.0.1")];
        check("groovy-json", &four, &["groovy/json/X.class"], Some("org.apache.groovy"));
        check("other", &[], &["org/springframework/core/X.class"], None);
    }

    #[test]
    fn names_that_end_in_the_artifact_start_with_the_group() {
        let bundle = "bundle-symbolicname";
        check(
            "jackson-core",
            &[(bundle, "com.fasterxml.jackson.core.jackson-core")],
            &[],
            Some("com.fasterxml.jackson.core"),
        );
        check("maven-core", &[(bundle, "org.apache.maven.core;singleton:=true")], &[], Some("org.apache.maven"));
        check("zstd-jni", &[("automatic-module-name", "com.github.luben.zstd_jni")], &[], Some("com.github.luben"));
        check("org.apache.felix.framework", &[(bundle, "org.apache.felix.framework")], &[], None);
        check("server", &[("implementation-title", "org.elasticsearch#server;8.14.3")], &[], Some("org.elasticsearch"));
        check("spring", &[("automatic-module-name", "spring.core")], &[], None);
    }

    #[test]
    fn vendors_are_groups_only_where_they_look_like_one() {
        let vendor = "implementation-vendor-id";
        check("guava", &[(vendor, "com.google.guava")], &[], Some("com.google.guava"));
        for bad in ["org.apache", "Apache Software Foundation", "acme", "${project.groupId}", "a..b", "http://x.y"] {
            check("x", &[(vendor, bad)], &[], None);
        }
    }
}
