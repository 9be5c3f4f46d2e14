//! Replays the test vectors of `runnel_v1` (abi/vectors/README.md) through the
//! SDK's test host.

use std::collections::BTreeMap;
use std::path::Path;

use runnel::guest::Resolver;
use runnel::prelude::*;
use runnel::testing::{Ending, Ran, Run};
use serde_json::Value;

#[derive(FromJson)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(FromJson)]
struct Vector {
    name: String,
    resolver: String,
    event: Option<Json>,
    parents: Option<Json>,
    arguments: Option<BTreeMap<String, Json>>,
    meta: Option<Json>,
    config: Option<Json>,
    claims: Option<BTreeMap<String, Json>>,
    permissions: Option<Vec<String>>,
    publish_result: Option<i32>,

    reads: Vec<String>,
    verdict: Json,
    output: Option<Json>,
    fail: Option<String>,
    fail_extensions: Option<Json>,
    published: Option<Vec<Published>>,
    log: Option<Vec<Line>>,
}

#[derive(FromJson)]
struct Published {
    channel: String,
    payload: Json,
}

#[derive(FromJson)]
struct Line {
    level: i32,
    message: String,
}

impl Vector {
    fn run(&self, resolvers: &[Resolver]) -> Ran {
        let mut run = Run::named(resolvers, &self.resolver);
        if let Some(event) = &self.event {
            run = run.event(event);
        }
        if let Some(parents) = &self.parents {
            run = run.parents(parents);
        }
        if let Some(meta) = &self.meta {
            run = run.meta(meta);
        }
        if let Some(config) = &self.config {
            run = run.config(config);
        }
        for (name, value) in self.arguments.iter().flatten() {
            run = run.argument(name, value);
        }
        for (name, value) in self.claims.iter().flatten() {
            run = run.claim(name, value);
        }
        for permission in self.permissions.iter().flatten() {
            run = run.permission(permission);
        }
        match self.publish_result {
            None => run.run(),
            Some(1) => run.full_bus().run(),
            Some(other) => panic!("{}: publish cannot give {other} here", self.name),
        }
    }

    fn check(&self, ran: &Ran) {
        let name = &self.name;
        assert_eq!(ran.reads(), self.reads, "{name}: reads");
        self.check_ending(ran.ending());

        let want = self.published.as_deref().unwrap_or_default();
        assert_eq!(ran.published().len(), want.len(), "{name}: published");
        for (got, want) in ran.published().iter().zip(want) {
            assert_eq!(got.channel, want.channel, "{name}: channel");
            assert_eq!(plain(&got.payload), plain(&want.payload), "{name}: payload");
        }

        let want = self.log.as_deref().unwrap_or_default();
        assert_eq!(ran.log().len(), want.len(), "{name}: log");
        let trap = matches!(ran.ending(), Ending::Trapped(_));
        for ((level, line), want) in ran.log().iter().zip(want) {
            assert_eq!(*level as i32, want.level, "{name}: level of {line}");
            let same = *line == want.message || trap && line.contains(&want.message);
            assert!(same, "{name}: logged {line}, want {}", want.message);
        }
    }

    fn check_ending(&self, ending: &Ending) {
        let name = &self.name;
        let output = self.output.as_ref().map_or(Value::Null, plain);
        match (self.verdict.as_str(), ending) {
            ("0", Ending::Skipped) | (r#""trap""#, Ending::Trapped(_)) => {}
            ("1", Ending::Delivered(got)) => assert_eq!(plain(got), output, "{name}: output"),
            ("3", Ending::Completed(got)) => {
                assert_eq!(got.is_some(), self.output.is_some(), "{name}: output");
                assert_eq!(
                    got.as_ref().map_or(Value::Null, plain),
                    output,
                    "{name}: output"
                );
            }
            ("2", Ending::Failed(got)) => {
                assert_eq!(Some(&got.message), self.fail.as_ref(), "{name}: message");
                let got = Json::of(&got.extensions).unwrap();
                let want = self.fail_extensions.as_ref().map(plain);
                let want = want.unwrap_or_else(|| Value::Object(Default::default()));
                assert_eq!(plain(&got), want, "{name}: extensions");
            }
            (verdict, ending) => panic!("{name}: {ending:?}, want verdict {verdict}"),
        }
    }
}

/// A value as the vectors compare it: numbers by value, null members absent.
fn plain(json: &Json) -> Value {
    fn strip(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let members = members.into_iter().filter(|(_, v)| !v.is_null());
                Value::Object(members.map(|(k, v)| (k, strip(v))).collect())
            }
            Value::Array(elements) => Value::Array(elements.into_iter().map(strip).collect()),
            Value::Number(number) => number.as_f64().into(),
            other => other,
        }
    }
    strip(serde_json::from_str(json.as_str()).unwrap())
}

fn replay(file: &str, resolvers: &[Resolver]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../abi/vectors");
    let text = std::fs::read_to_string(directory.join(file)).unwrap();
    let file: File = runnel::json::from_str(&text).unwrap();
    for vector in &file.vectors {
        vector.check(&vector.run(resolvers));
    }
    for resolver in resolvers {
        let used = file.vectors.iter().any(|v| v.resolver == resolver.name);
        assert!(used, "no vector runs {}", resolver.name);
    }
}

#[test]
fn the_conformance_module_replays_its_vectors() {
    replay("probe.json", conformance::probe::RESOLVERS);
}

#[test]
fn the_shop_example_replays_its_vectors() {
    replay("shop.json", shop_rust::shop::RESOLVERS);
}

#[test]
fn the_orders_example_replays_its_vectors() {
    replay("orders.json", orders_rust::orders::RESOLVERS);
}
