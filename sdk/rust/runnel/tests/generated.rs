//! Types and resolvers that the module macro makes of a schema.

use runnel::testing::{Ending, Run, json};
use shapes::{Filter, Found, Link, Named, Near, Person, Place, Ring, Shop, Stock};

#[runnel::module("tests/schemas/shapes.graphql")]
mod shapes {
    use runnel::prelude::*;

    /// The module's own type for the scalar.
    #[derive(Clone, Debug, PartialEq, FromJson, ToJson)]
    pub struct Date {
        pub year: i32,
        #[json("Month")]
        pub month_of_year: i32,
    }

    #[query("shop")]
    fn shop_by_id(id: Argument<Id>) -> Outcome<Option<Shop>> {
        deliver(super::shop(&id.read()?))
    }

    #[query]
    fn search(
        filter: Argument<Option<Filter>>,
        limit: Argument<i32>,
        _self: Argument<Option<bool>>,
    ) -> Outcome<Vec<Found>> {
        let filter = filter.read()?.ok_or("no filter")?;
        let Near { lat, lon, .. } = filter.near;
        let tags = vec![None, Some(vec!["t".into()])];
        let place = Place { lat, lon, tags };
        let mut found: Vec<Found> = vec![super::shop("a").into(), place.into()];
        found.truncate(limit.read()?.try_into()?);
        deliver(found)
    }

    #[query]
    fn r#type() -> Outcome<Stock> {
        deliver(Stock::Self_)
    }

    #[subscription]
    fn shop(event: Event<Shop>, near: Argument<Option<Near>>) -> Outcome<Shop> {
        let shop = event.read()?;
        let again = event.read()?;
        if near.read()?.is_some() || near.read()?.is_some() || shop != again {
            return skip();
        }
        info!("{} is {}", shop.name, shop.r#type);
        deliver(shop)
    }

    #[field("Shop.nearest")]
    fn nearest(shops: Parents<Shop>, limit: Argument<i32>) -> Resolved<Vec<Shop>> {
        let shops = shops.read()?;
        let limit = limit.read()?.try_into()?;
        shops.each(|shop| {
            let others = shops.iter().filter(|other| other.name != shop.name);
            Ok(others.take(limit).cloned().collect())
        })
    }

    #[field("Shop.owner")]
    fn owner(shops: Parents<Shop>, context: Context) -> Resolved<Person> {
        let shops = shops.read()?;
        let names: Vec<String> = context.claim("owners")?.ok_or("no owners")?;
        let person = |name| Person {
            name,
            ..Person::default()
        };
        shops.all(names.into_iter().map(person).collect())
    }

    #[field("Shop.chain")]
    fn chain(shops: Parents<Shop>, levels: Argument<i32>) -> Resolved<Shop> {
        let levels = levels.read()?;
        shops.read()?.each(|shop| {
            let under = |parent, _| Shop {
                parent: Some(Box::new(parent)),
                ..shop.clone()
            };
            Ok((1..levels).fold(shop.clone(), under))
        })
    }

    /// What another module's signs hold.
    #[derive(FromJson)]
    struct OtherSign {
        words: Vec<String>,
    }

    #[field("Sign.text")]
    fn text(signs: Parents<OtherSign>, loud: Argument<Option<bool>>) -> Resolved<String> {
        let loud = loud.read()?.unwrap_or_default();
        signs.read()?.each(|sign| {
            let first = sign.words.first();
            let word = first.ok_or_else(|| Error::new("{blank}").with("words", &0))?;
            Ok(if loud {
                word.to_uppercase()
            } else {
                word.clone()
            })
        })
    }

    #[subscription]
    fn ended() -> Outcome<i32> {
        complete_with(f64::from(7u8) as i32)
    }

    #[mutation]
    fn open(bus: Bus, name: Argument<String>, context: Context) -> Outcome<Named> {
        let name = name.read()?;
        let person = Person {
            name,
            ..Person::default()
        };
        if context.permitted("publish") {
            bus.publish("people", &person)?;
        }
        if person.name.is_empty() {
            return fail(Error::new("{}").with("empty", &true).with("nan", &f64::NAN));
        }
        deliver(person)
    }
}

fn shop(name: &str) -> Shop {
    Shop {
        name: name.to_owned(),
        place: None,
        r#type: Stock::InStock,
        opened: shapes::Date {
            year: 2024,
            month_of_year: 2,
        },
        extra: Some(json("[1, {}]")),
        parent: None,
        branches: Vec::new(),
        sign: None,
    }
}

/// A field with a resolver is no member of its type: `shop` above gives neither
/// `nearest` nor `owner`.
#[test]
fn each_parent_gets_its_value() {
    let parents = vec![shop("a"), shop("b"), shop("c")];
    let ran = Run::of::<shapes::nearest>().parents(&parents).run();
    assert_eq!(ran.reads(), ["parents", "argument limit"]);
    let nearest = [["b", "c"], ["a", "c"], ["a", "b"]];
    let nearest = nearest.map(|names| Ok(names.map(shop).to_vec()));
    assert_eq!(ran.resolved::<Vec<Shop>>(), nearest);

    let ran = Run::of::<shapes::nearest>().parents(json("[]")).run();
    assert_eq!(ran.delivered::<Vec<Vec<Shop>>>(), Vec::<Vec<Shop>>::new());
}

#[test]
fn an_error_is_one_parents_alone() {
    let signs = json(r#"[{"words": ["a"]}, {"words": [], "x": 1}, {"words": ["ü", "c"]}]"#);
    let ran = Run::of::<shapes::text>()
        .parents(signs)
        .argument("loud", true);
    let texts = ran.run().resolved::<String>();
    assert_eq!((&texts[0], &texts[2]), (&Ok("A".into()), &Ok("Ü".into())));
    let error = texts[1].clone().unwrap_err();
    assert_eq!(error.message, "{blank}");
    assert_eq!(error.extensions["words"], json("0"));
}

#[test]
fn there_is_a_value_for_each_parent_or_an_error_for_all() {
    let run = |owners: &str| {
        Run::of::<shapes::owner>()
            .parents(vec![shop("a"), shop("b")])
            .claim("owners", json(owners))
            .run()
    };
    let owners = run(r#"["Ada", "Bo"]"#).resolved::<Person>();
    assert_eq!(owners[1].as_ref().unwrap().name, "Bo");
    for (owners, given) in [("[]", 0), (r#"["Ada", "Bo", "Cy"]"#, 3)] {
        let message = format!("the resolver gave {given} values for 2 parents");
        assert_eq!(run(owners).failure().message, message);
    }
    let ran = Run::of::<shapes::owner>().parents(vec![shop("a")]).run();
    assert_eq!(ran.failure().message, "no owners");
}

#[test]
fn each_parent_and_each_value_may_nest_to_64_levels() {
    let run = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        let parents = format!(r#"[{{"words": ["a"], "x": {open}{close}}}]"#);
        Run::of::<shapes::text>().parents(Unchecked(parents)).run()
    };
    assert_eq!(run(64).resolved::<String>(), [Ok("a".to_owned())]);
    let message = run(65).failure().message.clone();
    assert!(message.starts_with("parents: 0.x.0."), "{message}");
    assert!(message.ends_with(": nested deeper than 64 levels"));

    // Each shop has one level more: the date in it.
    let chain = |levels: i32| {
        let extra = None;
        let run = Run::of::<shapes::chain>().parents([Shop { extra, ..shop("s") }]);
        run.argument("levels", levels).run()
    };
    assert!(chain(63).resolved::<Shop>()[0].is_ok());
    let message = chain(64).failure().message.clone();
    assert_eq!(message, "output: nested deeper than 64 levels");
}

/// JSON that the SDK's own reader need not take.
struct Unchecked(String);

impl runnel::ToJson for Unchecked {
    fn write(&self, writer: &mut runnel::json::Writer) {
        writer.raw(&self.0);
    }
}

#[test]
fn parents_must_be_there_and_fit() {
    let ran = Run::of::<shapes::text>().run();
    assert_eq!(ran.failure().message, "parents: missing");
    let ran = Run::of::<shapes::text>().parents(json(r#"[{"words": []}, {}]"#));
    assert_eq!(ran.run().failure().message, "parents: 1.words: missing");
}

#[test]
fn values_go_to_json_and_back() {
    let mut parent = shop("p");
    parent.branches = vec![shop("b"), shop("c")];
    let mut child = shop("ü\n");
    child.parent = Some(Box::new(parent));
    let text = runnel::json::to_string(&child).unwrap();
    assert!(text.contains(
        r#""type":"IN_STOCK","opened":{"year":2024,"Month":2},"extra":[1, {}],"parent""#
    ));
    assert_eq!(runnel::json::from_str::<Shop>(&text).unwrap(), child);

    let friends = Some(vec![
        None,
        Some(shop("s").into()),
        Some(Person::default().into()),
    ]);
    let person = Person {
        friends,
        url: Some("u".into()),
        ..Person::default()
    };
    let found = Found::from(person);
    let text = runnel::json::to_string(&found).unwrap();
    assert!(text.starts_with(
        r#"{"__typename":"Person","name":"","URL":"u","friends":[null,{"__typename":"Shop","#
    ));
    assert_eq!(runnel::json::from_str::<Found>(&text).unwrap(), found);

    let ring = Ring {
        next: Box::new(Link::default()),
    };
    assert_eq!(
        runnel::json::to_string(&ring).unwrap(),
        r#"{"next":{"weight":0}}"#
    );
}

#[test]
fn enums_have_their_names() {
    assert_eq!(
        Stock::ALL,
        [Stock::InStock, Stock::OutOfStock, Stock::Self_]
    );
    assert_eq!(Stock::OutOfStock.as_str(), "outOfStock");
    assert_eq!(format!("{:>8}", Stock::Self_), "    SELF");
}

#[test]
fn a_union_is_told_by_its_type_name() {
    let read = |text| runnel::json::from_str::<Found>(text).map_err(|e| e.to_string());
    let place = Place {
        lat: 1.0,
        lon: 2.0,
        tags: vec![],
    };
    let text = r#"{"lat":1,"lon":2,"__typename":"Place","tags":[],"x":[{}]}"#;
    assert_eq!(read(text), Ok(Found::Place(place)));
    assert_eq!(read("{}"), Err("__typename: missing".to_owned()));
    let other = read(r#"{"__typename":"Car"}"#);
    assert_eq!(other, Err("Car is not a type of Found".to_owned()));
    assert_eq!(read("1"), Err("expected Found, got a number".to_owned()));
}

#[test]
fn arguments_left_out_have_the_defaults_of_the_schema() {
    let ran = Run::of::<shapes::search>().run();
    assert_eq!(ran.reads(), ["argument filter", "argument limit"]);
    let found: Vec<Found> = ran.delivered();
    assert_eq!(found[0], Found::Shop(shop("a")));
    assert_eq!(found.len(), 2);

    let near = Near {
        lat: 1.0,
        lon: 2.0,
        note: None,
    };
    let filter = Filter {
        r#in: None,
        and: None,
        near,
    };
    let ran = Run::of::<shapes::search>()
        .argument("filter", filter)
        .argument("limit", 1)
        .run();
    assert_eq!(ran.delivered::<Vec<Found>>().len(), 1);
    let ran = Run::of::<shapes::search>().argument("limit", -1).run();
    assert_eq!(
        ran.failure().message,
        "out of range integral type conversion attempted"
    );
}

#[test]
fn an_input_is_asked_for_once() {
    let ran = Run::of::<shapes::shop>().event(shop("s")).run();
    assert_eq!(ran.reads(), ["event", "argument near"]);
    assert_eq!(ran.delivered::<Shop>(), shop("s"));
    assert_eq!(
        ran.log(),
        [(runnel::Level::Info, "s is IN_STOCK".to_owned())]
    );
}

#[test]
fn a_mutation_publishes_and_fails() {
    let ran = Run::of::<shapes::open>()
        .argument("name", "Ada")
        .permission("publish")
        .run();
    assert_eq!(ran.published()[0].payload, json(r#"{"name":"Ada"}"#));
    assert!(matches!(ran.delivered(), Named::Person(p) if p.name == "Ada"));

    let ran = Run::of::<shapes::open>()
        .argument("name", "")
        .full_bus()
        .permission("publish");
    assert_eq!(ran.run().failure().message, "publish: over the limit");

    let ran = Run::of::<shapes::open>().argument("name", "").run();
    assert_eq!(ran.failure().message, "{}");
    assert_eq!(ran.failure().extensions["empty"], json("true"));
}

#[test]
fn resolvers_are_known_by_name() {
    let mut names: Vec<&str> = shapes::RESOLVERS.iter().map(|r| r.name).collect();
    names.sort_unstable();
    let want = [
        "Mutation.open",
        "Query.search",
        "Query.shop",
        "Query.type",
        "Shop.chain",
        "Shop.nearest",
        "Shop.owner",
        "Sign.text",
        "Subscription.ended",
        "Subscription.shop",
    ];
    assert_eq!(names, want);
    let ran = Run::named(shapes::RESOLVERS, "Subscription.ended").run();
    assert_eq!(*ran.ending(), Ending::Completed(Some(json("7"))));
    let ran = Run::of::<shapes::shop_by_id>().argument("id", 7).run();
    assert_eq!(ran.delivered::<Shop>(), shop("7"));
}
