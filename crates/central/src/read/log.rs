//! The event log in commit order: what a rebuild replays and `verify` recomputes from.

use crate::{
    Result, Snapshot, StoreError,
    blocks::Block,
    key::KeyWriter,
    port::{KeyRange, Order, Table},
    rows::{BodyKey, month_of},
};
use cebe_catalog::{CompanyId, EventRecord, Micros};
use cebe_engine::rows::Place;
use std::{collections::VecDeque, ops::ControlFlow};

/// How many blocks of one month are read ahead.
const PAGE: usize = 64;

impl Snapshot {
    /// Shows every event of the company's log with its place, commit by commit, until told to stop. Within a commit
    /// events come by receipt month and anchor.
    pub fn log(&self, company: &CompanyId, visit: &mut dyn FnMut(EventRecord, Place) -> ControlFlow<()>) -> Result<()> {
        match self.view().event_rows() {
            Some(rows) => rows.log(company, None, visit),
            None => self.walk(self.months(company)?, visit),
        }
    }

    /// The same for events received before an instant only; later months are not read. What retention runs on.
    pub fn log_received_before(
        &self,
        company: &CompanyId,
        before: Micros,
        visit: &mut dyn FnMut(EventRecord, Place) -> ControlFlow<()>,
    ) -> Result<()> {
        if let Some(rows) = self.view().event_rows() {
            return rows.log(company, Some(before), visit);
        }
        let mut months = self.months(company)?;
        months.retain(|month| month.number <= month_of(before));
        self.walk(months, &mut |event, place| match event.header.received_at < before {
            true => visit(event, place),
            false => ControlFlow::Continue(()),
        })
    }

    fn walk(&self, mut months: Vec<Month>, visit: &mut dyn FnMut(EventRecord, Place) -> ControlFlow<()>) -> Result<()> {
        while let Some(block) = self.next_block(&mut months)? {
            for event in Block::unpack(&block)?.events() {
                let (event, place) = event?;
                if visit(event, place).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Companies with at least one event in the log, by id.
    pub fn companies_with_log(&self) -> Result<Vec<CompanyId>> {
        if let Some(rows) = self.view().event_rows() {
            return rows.companies();
        }
        let mut companies = Vec::new();
        let mut range = KeyRange::all();
        while let Some(key) = self.first_block(range)? {
            let rest = KeyRange::prefix(KeyWriter::company(&key.company).finish()).end;
            companies.push(key.company);
            match rest {
                Some(start) => range = KeyRange { start, end: None },
                None => break,
            }
        }
        Ok(companies)
    }

    fn first_block(&self, range: KeyRange) -> Result<Option<BodyKey>> {
        let mut first = None;
        self.view().scan(Table::Body, range, Order::Forward, &mut |key, _| {
            first = Some(key.to_vec());
            ControlFlow::Break(())
        })?;
        first.map(|key| BodyKey::from_key(&key).ok_or(StoreError::Damaged(Table::Body))).transpose()
    }

    fn months(&self, company: &CompanyId) -> Result<Vec<Month>> {
        let prefix = KeyWriter::company(company).finish();
        let mut months = Vec::new();
        let mut range = KeyRange::prefix(prefix);
        while let Some(key) = self.first_block(range.clone())? {
            let month = KeyRange::prefix(KeyWriter::company(company).u32(key.month).finish());
            range.start = month.end.clone().expect("a company's months never end in 255 alone");
            months.push(Month { number: key.month, rest: month, page: VecDeque::new(), done: false });
        }
        Ok(months)
    }

    /// The stored bytes of the block with the lowest commit number that is left in any month.
    fn next_block(&self, months: &mut Vec<Month>) -> Result<Option<Vec<u8>>> {
        for month in months.iter_mut() {
            month.refill(self)?;
        }
        months.retain(|month| !month.page.is_empty());
        let next = months.iter_mut().min_by_key(|month| month.page.front().map(|(order, _)| *order));
        Ok(next.and_then(|month| month.page.pop_front()).map(|(_, block)| block))
    }
}

/// The part of one month's blocks that is not read yet.
struct Month {
    number: u32,
    rest: KeyRange,
    page: VecDeque<((u64, u32, u32), Vec<u8>)>,
    done: bool,
}

impl Month {
    fn refill(&mut self, snapshot: &Snapshot) -> Result<()> {
        if self.done || !self.page.is_empty() {
            return Ok(());
        }
        let mut last = None;
        let page = &mut self.page;
        snapshot.view().scan(Table::Body, self.rest.clone(), Order::Forward, &mut |key, block| {
            last = Some(key.to_vec());
            let order = BodyKey::from_key(key).map_or((0, 0, 0), |key| (key.commit, key.month, key.block));
            page.push_back((order, block.to_vec()));
            if page.len() < PAGE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        self.done = self.page.len() < PAGE;
        if let Some(last) = last {
            self.rest = self.rest.clone().after(&last);
        }
        Ok(())
    }
}
