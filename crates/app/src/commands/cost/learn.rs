//! `cost learn`: what a recording teaches of a market: the models' parameters, and how likely resting orders are filled.

use super::charged;
use crate::api::stamp::{snake, split};
use crate::cli::cost::LearnArgs;
use crate::commands::{load, print, print_json, replay};
use crate::failure::{Failure, Outcome};
use crate::runner::Runner;
use fathometer_edge::recording;
use fathometer_engine::cost::calibrate::{Calibrated, Calibration, Estimate};
use fathometer_engine::cost::fees::Rates;
use fathometer_engine::cost::maker::decide::Expected;
use fathometer_engine::cost::maker::score::Score;
use fathometer_engine::cost::maker::{Maker, Params, Report, features};
use fathometer_engine::event::{Event, LevelSpan};
use fathometer_engine::instrument::{Instrument, InstrumentId};
use fathometer_engine::metric::{Reason, Seen, Value};
use fathometer_engine::output::{Output, Validity};
use fathometer_engine::units::{NANOS_PER_SECOND, Side};
use serde::Serialize;
use serde_json::{Map, json};
use std::fmt::Write;

/// Times that may be asked for, seconds.
const SECONDS: std::ops::RangeInclusive<f64> = 0.001..=86_400.0;

/// Replays, and tells.
///
/// # Errors
/// The recording cannot be read, nothing was recorded of the instrument, a time makes no sense.
pub(super) fn learn(args: &LearnArgs) -> Outcome {
    let nanos = |name: &str, seconds: f64| match SECONDS.contains(&seconds) {
        true => Ok((seconds * NANOS_PER_SECOND as f64) as i64),
        false => Err(Failure::usage(format!("--{name} is {seconds} s; it must be between 1 ms and one day"))),
    };
    let (horizon_ns, every_ns) = (nanos("within", args.within)?, nanos("every", args.every)?);
    let config = load(&args.config)?;
    let mut source = recording::open(&args.tape).map_err(Failure::input)?;
    let mut runner = Runner::new(replay::config(&args.config, &source)?);
    let mut student = Student {
        name: args.instrument.clone(),
        id: None,
        maker: Maker::new(Params { horizon_ns, every_ns, ..Params::default() }),
        calibration: Calibration::new(NANOS_PER_SECOND),
        choices: None,
    };
    while let Some(input) = source.next().map_err(Failure::input)? {
        runner.step(&input);
        student.see(&runner);
    }
    let name = replay::named(runner.engine.registry(), &args.instrument)?;
    let instrument = student.id.map(|id| runner.engine.registry().get(id));
    let instrument = instrument.ok_or_else(|| Failure::input(format!("nothing was recorded of {name}")))?;
    let rates = charged(&config, instrument, args.fee_tier.as_deref())?;
    let told = Told {
        instrument: name,
        within_seconds: args.within,
        calibrated: student.calibration.fit(),
        report: student.maker.report(),
        weights: features::NAMES.into_iter().zip(student.maker.weights()).collect(),
        choices: student.choices(instrument, rates),
    };
    if args.json { print_json(&told.json()) } else { print(&told.table()) }
}

/// Learns one instrument.
struct Student {
    name: String,
    id: Option<InstrumentId>,
    maker: Maker,
    calibration: Calibration,
    /// The learner as it was when there was a book last: a run's goodbye empties it.
    choices: Option<Maker>,
}

impl Student {
    fn see(&mut self, runner: &Runner) {
        let (engine, outbox) = (&runner.engine, runner.outbox());
        for item in &outbox.items {
            match item {
                Output::Market { at, stamped, valid, .. } => {
                    if self.id.is_none() {
                        let found = replay::named(engine.registry(), &self.name).ok();
                        let index =
                            found.and_then(|name| engine.registry().all().iter().position(|it| it.id() == name));
                        self.id = index.map(|index| InstrumentId(index as u32));
                    }
                    let Some(book) = self.id.filter(|id| *id == stamped.instrument).and_then(|id| engine.book(id))
                    else {
                        continue;
                    };
                    let (mut stamped, mut levels) = (stamped.clone(), Default::default());
                    if let Event::Depth(depth) = &mut stamped.event {
                        let LevelSpan { start, asks, end } = depth.span;
                        levels = outbox.levels.get(start as usize..end as usize).unwrap_or_default();
                        depth.span = LevelSpan { start: 0, asks: asks - start, end: end - start };
                    }
                    let validity = if *valid { Validity::Live } else { Validity::Syncing };
                    let instrument = engine.registry().get(stamped.instrument);
                    let (at, stamped, before, best) = (*at, &stamped, &[][..], [None; 2]);
                    let seen = Seen { at, stamped, levels, before, best, book, validity, instrument };
                    self.maker.on(&seen);
                    self.calibration.on(&seen);
                }
                Output::Status(status) if Some(status.instrument) == self.id && status.validity != Validity::Live => {
                    if self.maker.report().outcomes > 0 && self.choices.is_none() {
                        self.choices = Some(self.maker.clone());
                    }
                    self.maker.gap();
                }
                Output::Status(status) if Some(status.instrument) == self.id => self.choices = None,
                _ => {}
            }
        }
    }

    /// For a small order of each side: resting at the best price against taking at the other.
    fn choices(&self, instrument: &Instrument, rates: Option<Rates>) -> [(&'static str, Result<Choices, Reason>); 2] {
        let maker = self.choices.as_ref().unwrap_or(&self.maker);
        [("buy", Side::Bid), ("sell", Side::Ask)].map(|(name, side)| {
            // Half the spread is what a small order pays for taking, and gains by resting.
            let fees = rates.map(|rates| (rates.maker_bps, rates.taker_bps)).ok_or(Reason::NoData);
            let choice = fees.and_then(|fees| maker.choice(instrument, side, 1.0, 0.0, fees)).map(|mut choice| {
                choice.taking_bps = choice.better_bps;
                Choices { fill: choice.fill, rest: choice.maker(), take: choice.taker() }
            });
            (name, choice)
        })
    }
}

/// The choice for one side.
#[derive(Debug, Serialize)]
struct Choices {
    fill: f64,
    rest: Expected,
    take: Expected,
}

struct Told {
    instrument: String,
    within_seconds: f64,
    calibrated: Calibrated,
    report: Report,
    weights: Vec<(&'static str, f64)>,
    choices: [(&'static str, Result<Choices, Reason>); 2],
}

impl Told {
    fn parameters(&self) -> [(&'static str, &'static str, Result<Estimate, Reason>); 7] {
        let it = &self.calibrated;
        [
            ("sigma_daily", "of the price a day", it.sigma_daily),
            ("daily_volume", "coins", it.daily_volume),
            ("gamma", "quote/coin per coin", it.gamma),
            ("epsilon", "quote/coin", it.epsilon),
            ("eta", "quote/coin per coin/s", it.eta),
            ("y", "", it.y),
            ("resilience", "1/s", it.resilience),
        ]
    }

    fn scores(&self) -> [(&'static str, &Score); 5] {
        let it = &self.report;
        [
            ("recalibrated", &it.model),
            ("model", &it.raw),
            ("spread_only", &it.spread_only),
            ("calm", &it.regimes[0]),
            ("busy", &it.regimes[1]),
        ]
    }

    fn json(&self) -> serde_json::Value {
        let absent = |reason: &Reason| json!({ "reason": snake(reason) });
        let parameters: Map<_, _> = self
            .parameters()
            .into_iter()
            .map(|(name, _, estimate)| {
                (name.to_owned(), estimate.map_or_else(|reason| absent(&reason), |it| json!(it)))
            })
            .collect();
        let number = |value: Value| split(value).0;
        let scores: Map<_, _> = self
            .scores()
            .into_iter()
            .map(|(name, it)| {
                let told = json!({
                    "count": it.count,
                    "base_rate": number(it.base_rate),
                    "brier": number(it.brier),
                    "brier_of_base_rate": number(it.brier_of_base_rate),
                    "log_loss": number(it.log_loss),
                    "auc": number(it.auc),
                    "reliability": it.reliability,
                });
                (name.to_owned(), told)
            })
            .collect();
        let choices: Map<_, _> = self
            .choices
            .iter()
            .map(|(side, choice)| ((*side).to_owned(), choice.as_ref().map_or_else(absent, |it| json!(it))))
            .collect();
        let [all, likely, none] = self.report.fill_rates;
        json!({
            "instrument": self.instrument,
            "parameters": parameters,
            "within_seconds": self.within_seconds,
            "outcomes": self.report.outcomes,
            "filled_share": { "all_cancels_ahead": all, "likely_cancels_ahead": likely, "no_cancels_ahead": none },
            "scores": scores,
            "weights": self.weights.iter().map(|(name, weight)| json!({ "feature": name, "weight": weight })).collect::<Vec<_>>(),
            "choices": choices,
        })
    }

    fn table(&self) -> String {
        let mut text = format!("{}\n\nparameters, with 95 % intervals\n", self.instrument);
        for (name, unit, estimate) in self.parameters() {
            let told = match estimate {
                Ok(it) => format!("{:.6e}  {:.6e} to {:.6e}  {unit}", it.value, it.low, it.high),
                Err(reason) => format!("absent: {}", snake(&reason).replace('_', " ")),
            };
            let _ = writeln!(text, "  {name:<14}{told}"); // writing to a String cannot fail
        }
        let [all, likely, none] = self.report.fill_rates;
        let _ = writeln!(
            text,
            "\n{} resting orders imagined; filled within {} s:",
            self.report.outcomes, self.within_seconds
        );
        let _ = writeln!(text, "  {none:.3} to {all:.3}, by which cancels were ahead; most likely {likely:.3}");
        let _ = writeln!(
            text,
            "\n{:<14}{:>8}{:>10}{:>12}{:>10}{:>8}",
            "predictions", "number", "Brier", "base rate's", "log-loss", "AUC"
        );
        let cell = |value: Value| value.get().map_or("-".to_owned(), |number| format!("{number:.4}"));
        for (name, it) in self.scores() {
            let [brier, base, loss, auc] = [it.brier, it.brier_of_base_rate, it.log_loss, it.auc].map(cell);
            let _ =
                writeln!(text, "{:<14}{:>8}{brier:>10}{base:>12}{loss:>10}{auc:>8}", name.replace('_', " "), it.count);
        }
        let _ = writeln!(text, "\na small order now, bps of mid with fees (and one deviation)");
        for (side, choice) in &self.choices {
            let told = match choice {
                Ok(it) => format!(
                    "rest {:.3} ({:.3}), filled with probability {:.3}; take {:.3}",
                    it.rest.cost_bps, it.rest.deviation_bps, it.fill, it.take.cost_bps
                ),
                Err(reason) => format!("absent: {}", snake(reason).replace('_', " ")),
            };
            let _ = writeln!(text, "  {side:<6}{told}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_learnt_is_absent_with_its_reason() {
        let student = Student {
            name: "binance:BTCUSDT".into(),
            id: None,
            maker: Maker::new(Params::default()),
            calibration: Calibration::new(NANOS_PER_SECOND),
            choices: None,
        };
        let instrument = fathometer_engine::venue::infer(fathometer_engine::instrument::Venue::Binance, "BTCUSDT");
        let told = |rates| Told {
            instrument: instrument.id(),
            within_seconds: 5.0,
            calibrated: student.calibration.fit(),
            report: student.maker.report(),
            weights: features::NAMES.into_iter().zip(student.maker.weights()).collect(),
            choices: student.choices(&instrument, rates),
        };
        let json = told(Some(Rates { maker_bps: 1.0, taker_bps: 2.0 })).json();
        assert_eq!(json["parameters"]["gamma"]["reason"], "warmup");
        assert_eq!(
            (&json["choices"]["buy"]["reason"], &json["scores"]["model"]["auc"]),
            (&json!("warmup"), &json!(null))
        );
        assert_eq!(json["weights"].as_array().unwrap().len(), features::COUNT);
        let table = told(None).table();
        assert!(table.contains("buy   absent: no data") && !table.contains("NaN"), "{table}");
    }
}
