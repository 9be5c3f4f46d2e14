//! The conformance module: every part of the ABI, each in one resolver.
//! `abi/vectors/probe.graphql` says what each must do, and
//! `abi/vectors/probe.json` holds it to that.

/// The resolvers.
#[runnel::module("../../../abi/vectors/probe.graphql")]
pub mod probe {
    use runnel::prelude::*;

    #[subscription]
    fn constant() -> Outcome<i32> {
        deliver(42)
    }

    #[subscription]
    fn skip_always() -> Outcome<i32> {
        skip()
    }

    #[subscription]
    fn complete_now() -> Outcome<i32> {
        complete()
    }

    #[subscription]
    fn complete_with() -> Outcome<i32> {
        runnel::complete_with(7)
    }

    #[subscription]
    fn nothing() -> Outcome<Option<i32>> {
        deliver(None)
    }

    #[subscription]
    fn reading(event: Event<Reading>) -> Outcome<Reading> {
        deliver(event.read()?)
    }

    #[subscription]
    fn warm(event: Event<Reading>, above: Argument<f64>, unit: Argument<Unit>) -> Outcome<f64> {
        let celsius = event.read()?.celsius;
        if celsius <= above.read()? {
            return skip();
        }
        deliver(match unit.read()? {
            Unit::Celsius => celsius,
            Unit::Fahrenheit => celsius * 9.0 / 5.0 + 32.0,
        })
    }

    #[subscription]
    fn lazy_event(want: Argument<bool>, event: Event<Reading>) -> Outcome<f64> {
        if !want.read()? {
            return deliver(0.0);
        }
        deliver(event.read()?.celsius)
    }

    #[subscription]
    fn echo_arguments(
        text: Argument<Option<String>>,
        id: Argument<Option<Id>>,
        count: Argument<Option<i32>>,
        ratio: Argument<Option<f64>>,
        flag: Argument<Option<bool>>,
        unit: Argument<Option<Unit>>,
        numbers: Argument<Option<Vec<i32>>>,
        grid: Argument<Option<Vec<Option<Vec<Option<f64>>>>>>,
        filter: Argument<Option<Filter>>,
    ) -> Outcome<Echo> {
        deliver(Echo {
            text: text.read()?,
            id: id.read()?,
            count: count.read()?,
            ratio: ratio.read()?,
            flag: flag.read()?,
            unit: unit.read()?,
            numbers: numbers.read()?,
            grid: grid.read()?,
            filter: filter.read()?.map(FilterEcho::from),
        })
    }

    impl From<Filter> for FilterEcho {
        fn from(filter: Filter) -> Self {
            FilterEcho {
                prefix: filter.prefix,
                limit: filter.limit,
                tags: filter.tags,
            }
        }
    }

    #[subscription]
    fn who_am_i(context: Context) -> Outcome<Who> {
        let Some(subject) = context.claim("sub")? else {
            return skip();
        };
        let roles = context.claim("roles")?.unwrap_or_default();
        deliver(Who { subject, roles })
    }

    #[subscription]
    fn secret(context: Context) -> Outcome<String> {
        if context.permitted("a") {
            deliver("a")
        } else if context.permitted("b") {
            deliver("b")
        } else {
            fail("neither a nor b")
        }
    }

    #[subscription]
    fn stamp(context: Context) -> Outcome<Stamp> {
        let meta = context.meta()?;
        deliver(Stamp {
            id: meta.id.into(),
            channel: meta.channel.ok_or("an event without a channel")?,
            time: meta.time,
        })
    }

    /// The module's config.
    #[derive(Default, FromJson)]
    struct Settings {
        greeting: Option<String>,
    }

    #[subscription]
    fn greeting(context: Context) -> Outcome<String> {
        let settings: Settings = context.config()?.unwrap_or_default();
        deliver(settings.greeting.unwrap_or_else(|| "hello".to_owned()))
    }

    #[subscription]
    fn failing(message: Argument<String>) -> Outcome<i32> {
        fail(message.read()?)
    }

    #[subscription]
    fn failing_with() -> Outcome<i32> {
        let error = Error::new("out of stock");
        fail(error.with("code", "OUT_OF_STOCK").with("left", &0))
    }

    #[subscription]
    fn panicking() -> Outcome<i32> {
        panic!("on purpose")
    }

    #[subscription]
    fn logging() -> Outcome<i32> {
        let what = "line";
        debug!("debug {what}");
        info!("info {what}");
        warn!("warn line");
        error!("error line");
        deliver(4)
    }

    #[subscription]
    fn big(times: Argument<i32>) -> Outcome<String> {
        let times = times.read()?.try_into()?;
        deliver("0123456789".repeat(times))
    }

    #[subscription]
    fn note(event: Event<Reading>) -> Outcome<Option<String>> {
        deliver(event.read()?.note)
    }

    #[subscription]
    fn chain(depth: Argument<i32>) -> Outcome<Option<Node>> {
        let mut chain = None;
        for label in 1..=depth.read()? {
            let next = chain.map(Box::new);
            chain = Some(Node { label, next });
        }
        deliver(chain)
    }

    #[field("Station.label")]
    fn label(stations: Parents<Station>) -> Resolved<String> {
        let stations = stations.read()?;
        let labels = stations.iter().map(|s| format!("station {}", s.id));
        stations.all(labels.collect())
    }

    #[field("Station.latest")]
    fn latest(stations: Parents<Station>, celsius: Argument<f64>) -> Resolved<Option<Reading>> {
        let stations = stations.read()?;
        let celsius = celsius.read()?;
        stations.each(|station| match station.state {
            State::Open => Ok(Some(Reading {
                sensor: station.id.clone(),
                celsius,
                ok: true,
                ..Reading::default()
            })),
            State::Closed => Ok(None),
            State::Broken => fail(Error::new("out of order").with("station", &station.id)),
        })
    }

    #[field("Station.rank")]
    fn rank(stations: Parents<Station>, context: Context) -> Resolved<i32> {
        let stations = stations.read()?;
        if !context.permitted("rank") {
            return fail("no ranks");
        }
        let mut rank = 0;
        stations.each(|_| {
            rank += 1;
            Ok(rank)
        })
    }

    #[query]
    fn sum(a: Argument<i32>, b: Argument<i32>) -> Outcome<i32> {
        let sum = a.read()?.checked_add(b.read()?);
        deliver(sum.ok_or("overflow")?)
    }

    /// What `announce` publishes.
    #[derive(ToJson)]
    struct Announcement {
        note: String,
    }

    #[mutation]
    fn announce(channel: Argument<String>, text: Argument<String>, bus: Bus) -> Outcome<bool> {
        let channel = channel.read()?;
        let event = Announcement { note: text.read()? };
        deliver(bus.publish(&channel, &event).is_ok())
    }
}
