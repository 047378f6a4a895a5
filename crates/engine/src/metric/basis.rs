//! Basis: a derivative's mid against its index, its mark and the spot mid of its group.

use super::{Metric, Moment, Params, Reason, Spec, Top, Value};
use crate::instrument::Kind;
use crate::units::Nanos;
use serde::{Deserialize, Serialize};

/// How old the other price may be, ns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Basis {
    age_max_ns: i64,
}

impl Metric for Basis {
    fn new(params: &Params) -> Self {
        Basis { age_max_ns: (params.peer_age_max_seconds * 1e9).max(0.0) as i64 }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        let spec = |id: &str, help, formula| Spec { id: id.into(), unit: "bps", help, formula };
        vec![
            spec("basis_index_bps", "Mid above the index price.", "10^4 (m - index) / index"),
            spec("basis_mark_bps", "Mid above the mark price.", "10^4 (m - mark) / mark"),
            spec("basis_spot_bps", "Mid above the spot mid of the same group.", "10^4 (m - spot) / spot"),
            spec("mark_index_bps", "Mark price above the index price.", "10^4 (mark - index) / index"),
        ]
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        if !matches!(moment.instrument.kind, Kind::Perpetual | Kind::Future) {
            out.extend([Value::Absent(Reason::NotApplicable); 4]);
            return;
        }
        let peers = &moment.peers;
        let [index, mark, spot] = [peers.index, peers.mark, peers.spot_mid].map(|peer| self.fresh(peer, moment.at));
        let mid = top.touch().map(|touch| touch.mid);
        for (price, against) in [(mid, index), (mid, mark), (mid, spot), (mark, index)] {
            let basis = price.and_then(|price| against.map(|against| (price - against) / against * 1e4));
            out.push(basis.into());
        }
    }
}

impl Basis {
    fn fresh(&self, peer: Option<(f64, Nanos)>, at: Nanos) -> Result<f64, Reason> {
        let (price, received) = peer.ok_or(Reason::NoData)?;
        if at.since(received) > self.age_max_ns { Err(Reason::TooOld) } else { Ok(price) }
    }
}

#[cfg(test)]
mod tests {
    use crate::instrument::{Contract, Kind};
    use crate::metric::Reason;
    use crate::metric::tests::Stage;
    use crate::output::Validity;
    use crate::units::Nanos;

    #[test]
    fn by_hand() {
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 1)], &[(100_10, 1)]); // mid 100.05
        stage.instrument.kind = Kind::Perpetual;
        stage.at(20_000);
        stage.peers.index = Some((100.0, Nanos::from_millis(10_000)));
        stage.peers.mark = Some((100.1, Nanos::from_millis(9_999)));
        assert!((stage.value("basis_index_bps") - 5.0).abs() < 1e-9);
        assert_eq!(stage.reason("basis_mark_bps"), Some(Reason::TooOld));
        assert_eq!(stage.reason("basis_spot_bps"), Some(Reason::NoData));
        stage.peers.mark = Some((100.1, Nanos::from_millis(20_000)));
        stage.peers.spot_mid = Some((100.05, Nanos::from_millis(20_000)));
        assert!((stage.value("basis_mark_bps") + 0.05 / 100.1 * 1e4).abs() < 1e-9);
        assert_eq!(stage.value("basis_spot_bps"), 0.0);
        assert!((stage.value("mark_index_bps") - 10.0).abs() < 1e-9);
        stage.validity = Validity::Syncing;
        assert_eq!(stage.reason("basis_index_bps"), Some(Reason::BookInvalid));
        assert!((stage.value("mark_index_bps") - 10.0).abs() < 1e-9); // needs no book
    }

    #[test]
    fn spot_has_none() {
        let stage = Stage::new(Contract::Base).book(&[(100_00, 1)], &[(100_10, 1)]);
        assert_eq!(stage.reason("basis_spot_bps"), Some(Reason::NotApplicable));
    }
}
