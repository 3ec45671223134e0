//! A batch in shares that are stepped at the same time. Nothing of one company bears on another, so a share holds whole
//! companies, and what comes out is put together in the order of their ids, as one step would have given it.

use crate::{
    apply::{self, Applied},
    run::WorkerError,
};
use cebe_catalog::{CompanyId, Record};
use cebe_engine::{
    change::Changes,
    rows::Place,
    step::Context,
    want::{Loaded, Wants},
};
use rayon_core::{ThreadPool, ThreadPoolBuilder};
use std::collections::BTreeMap;

/// Records of a batch with their places.
pub(crate) type Records = Vec<(Place, Record)>;

/// A share of fewer records is not worth a thread.
const SHARE_RECORDS_MIN: usize = 8;

/// Steps shares, on threads that live as long as this.
#[derive(Debug)]
pub(crate) struct Stepper {
    /// Beside the thread that asks.
    beside: Option<ThreadPool>,
    threads: usize,
}

impl Stepper {
    /// On so many threads, the one that asks among them.
    pub(crate) fn on(threads: usize) -> std::io::Result<Self> {
        let beside = (threads > 1).then(|| {
            let named = ThreadPoolBuilder::new().thread_name(|_| "stepper".into());
            named.num_threads(threads - 1).build().map_err(std::io::Error::other)
        });
        Ok(Self { beside: beside.transpose()?, threads })
    }

    /// Applies a batch, or says that the engine failed on it.
    pub(crate) fn apply(
        &self,
        context: Context<'_>,
        records: Records,
        load: impl Fn(Wants) -> Result<Loaded, WorkerError> + Sync,
    ) -> Result<Applied, WorkerError> {
        let shares_max = self.threads.min(records.len() / SHARE_RECORDS_MIN);
        let Some(pool) = self.beside.as_ref().filter(|_| shares_max > 1) else {
            return apply::records(context, records, load);
        };
        let shares = of(records, shares_max);
        let mut applied: Vec<_> = shares.iter().map(|_| None).collect();
        pool.in_place_scope(|scope| {
            let mut work = shares.into_iter().zip(&mut applied);
            let own = work.next();
            for (share, place) in work {
                let load = &load;
                scope.spawn(move |_| *place = Some(apply::records(context, share, load)));
            }
            if let Some((share, place)) = own {
                *place = Some(apply::records(context, share, &load));
            }
        });
        together(applied.into_iter().flatten())
    }
}

/// What the shares give, as one.
fn together(applied: impl Iterator<Item = Result<Applied, WorkerError>>) -> Result<Applied, WorkerError> {
    let mut all = Changes::default();
    for share in applied {
        match share? {
            Applied::Changes(changes) => all.append(*changes),
            Applied::Fault => return Ok(Applied::Fault),
        }
    }
    Ok(Applied::Changes(Box::new(all)))
}

/// Cuts a batch between companies, in the order of their ids, into at most so many shares of about one size.
fn of(records: Records, shares_max: usize) -> Vec<Records> {
    let (size, mut records_of) = (records.len().div_ceil(shares_max), BTreeMap::<CompanyId, Records>::new());
    let mut shares = vec![Records::new()];
    for (place, record) in records {
        // A step does nothing with what is of no company.
        let Some(company) = record.header().map(|header| &header.company) else { continue };
        match records_of.get_mut(company) {
            Some(records) => records.push((place, record)),
            None => drop(records_of.insert(company.clone(), vec![(place, record)])),
        }
    }
    for (_, records) in records_of {
        let last = shares.last().expect("there is a share");
        // A company goes where its larger half would.
        let is_full = !last.is_empty() && last.len() + records.len().div_ceil(2) > size;
        match is_full && shares.len() < shares_max {
            true => shares.push(records),
            false => shares.last_mut().expect("there is a share").extend(records),
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use cebe_catalog::{Micros, SourceModule, record::Header};

    fn batch(companies: &[&str]) -> Records {
        let ignored = |(index, company): (usize, &&str)| {
            let header = Header {
                company: CompanyId((*company).into()),
                module: SourceModule("sales".into()),
                received_at: Micros(1),
                lane: cebe_catalog::Lane::Live,
            };
            (Place { index: index as u64, ..Place::default() }, Record::Ignored(header))
        };
        companies.iter().enumerate().map(ignored).collect()
    }

    fn companies(share: &Records) -> Vec<&str> {
        share.iter().filter_map(|(_, record)| Some(record.header()?.company.0.as_str())).collect()
    }

    #[test]
    fn a_company_is_in_one_share_and_shares_come_in_the_order_of_companies() {
        let shares = of(batch(&["c", "a", "b", "a", "c", "a"]), 2);
        assert_eq!(shares.iter().map(companies).collect::<Vec<_>>(), [vec!["a", "a", "a"], vec!["b", "c", "c"]]);
        assert_eq!(of(batch(&["a", "a", "a"]), 2).len(), 1);
        assert_eq!(of(batch(&["a", "b", "b", "b"]), 2).len(), 2);
        let uneven = [["a"; 3].as_slice(), &["b"; 6], &["c"]].concat();
        assert_eq!(of(batch(&uneven), 2).len(), 2, "never more than there are threads");
    }
}
