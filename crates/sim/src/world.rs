//! The world of one seed: clients, network, machine, and the faults between them. Read `World::step` first: one thing
//! happens in each step, and the dice say which.

use crate::{
    Broken,
    client::{Answer, Client},
    clock::Clock,
    dice::Dice,
    machine::{ADMIN, Machine, Outside, firsts},
    network::{Network, Parcel},
    plan,
    store::SimulatedStore,
    temper::Temper,
    trace::Trace,
    traffic::Traffic,
};
use axum::{body::Body, http::Request};
use bytes::Bytes;
use cebe_catalog::{
    Definitions,
    time::{DAY, HOUR, SECOND},
};
use cebe_queue::{
    Lane, PerLane, Position,
    disk::{SimulatedDisk, Tear},
};
use std::sync::{Arc, LazyLock, Mutex};

/// Steps after which a seed must have come to rest.
const STEPS_MAX: u64 = 30_000;

/// The catalog, read once for all seeds.
static DEFINITIONS: LazyLock<Arc<Definitions>> = LazyLock::new(|| Arc::new(Definitions::standard().clone()));

/// Everything of one seed.
pub(crate) struct World {
    dice: Dice,
    pub(crate) temper: Temper,
    pub(crate) outside: Outside,
    pub(crate) machine: Option<Machine>,
    network: Network,
    pub(crate) clients: Vec<Client>,
    pub(crate) traffic: Traffic,
    /// Every record that was ever readable: it may never change or go, but by trimming.
    pub(crate) archive: PerLane<Vec<Bytes>>,
    pub(crate) trace: Trace,
    step: u64,
    pub(crate) crashes: u64,
    ticked_day: i64,
}

impl World {
    /// A world in which companies, sources and keys are there.
    pub(crate) fn new(seed: u64) -> Result<Self, Broken> {
        let mut dice = Dice::new(seed);
        let temper = Temper::of(&mut dice);
        let outside = Outside {
            disk: SimulatedDisk::new(),
            store: Arc::new(SimulatedStore::new()),
            clock: Clock::new(),
            chance: Arc::new(Mutex::new(dice.fork())),
            definitions: Arc::clone(&DEFINITIONS),
            commit_records_max: temper.commit_records_max,
            segment_bytes: temper.segment_bytes,
        };
        let days_back = if temper.days_pass { 22 } else { 40 };
        let mut world = Self {
            network: Network::new(dice.fork(), temper.calm().weather),
            traffic: Traffic::new(dice.fork(), days_back),
            dice,
            temper: temper.calm(),
            outside,
            machine: None,
            clients: Vec::new(),
            archive: PerLane::default(),
            trace: Trace::new(),
            step: 0,
            crashes: 0,
            ticked_day: 0,
        };
        world.trace.note(format_args!("{temper:?}"));
        world.set_up(temper)?;
        world.temper = temper;
        world.network.weather = temper.weather;
        Ok(world)
    }

    /// Company, sources and keys first, without faults.
    fn set_up(&mut self, temper: Temper) -> Result<(), Broken> {
        self.start()?;
        if let Some(machine) = &mut self.machine {
            machine.bootstrap();
        }
        self.rest()?;
        self.clients = vec![Client::new(ADMIN.into(), false, 1)];
        self.clients[0].todo.extend(plan::settings(temper));
        self.rest()?;
        let mut keys = Vec::new();
        for call in plan::keys() {
            self.clients[0].todo.push_back(call);
            self.rest()?;
            keys.push(self.clients[0].told.last["key"].as_str().unwrap_or_default().to_owned());
        }
        let now = self.outside.clock.now();
        for (place, key) in keys.into_iter().enumerate() {
            let mut client = Client::new(key, place == 2, 2);
            client.todo.extend(plan::batches(&mut self.dice, &mut self.traffic, place, temper.batches, self.step, now));
            self.clients.push(client);
        }
        let changes = plan::changes(&mut self.dice, &self.traffic, temper, self.step);
        self.clients[0].todo.extend(changes);
        Ok(())
    }

    /// A world without faults whose clients are silent.
    pub(crate) fn calm() -> Result<Self, Broken> {
        let mut world = Self::new(0)?;
        world.temper = world.temper.calm();
        world.network.weather = world.temper.weather;
        world.clients.iter_mut().for_each(|client| client.todo.clear());
        Ok(world)
    }

    /// Has one request answered, and applies what came of it.
    pub(crate) fn post(&mut self, request: Request<Body>) -> Result<Answer, Broken> {
        let gone = || Broken::new(1, "there is no process".into());
        self.machine.as_mut().ok_or_else(gone)?.post(request);
        for _ in 0..10 {
            let answered = self.machine.as_mut().ok_or_else(gone)?.serve_one(&mut self.dice);
            if let Some((_, _, answer)) = answered {
                while self.machine.as_mut().ok_or_else(gone)?.work(&self.outside).map_err(stopped)? {}
                return Ok(answer);
            }
            self.machine.as_mut().ok_or_else(gone)?.write();
        }
        Err(Broken::new(8, "a request is never answered".into()))
    }

    /// Lives through everything, and comes to rest without faults.
    pub(crate) fn live(&mut self) -> Result<(), Broken> {
        while !self.clients.iter().all(Client::is_done) && self.step < STEPS_MAX / 3 {
            self.step()?;
        }
        self.temper = self.temper.calm();
        self.network.weather = self.temper.weather;
        self.repair();
        self.rest()?;
        match self.machine.as_ref().map(Machine::persist) {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(Broken::new(1, format!("the store cannot be persisted: {error}"))),
            None => Err(Broken::new(1, "there is no process at the end".into())),
        }
    }

    /// Steps until every call is answered and everything is applied.
    fn rest(&mut self) -> Result<(), Broken> {
        let idle = |machine: &Machine| machine.is_serving() && machine.is_idle();
        loop {
            let is_calm = self.clients.iter().all(Client::is_done) && self.network.is_empty();
            if is_calm && self.machine.as_ref().is_some_and(idle) {
                return Ok(());
            }
            if self.step > STEPS_MAX {
                return Err(Broken::new(8, "the world does not come to rest: a call is never answered".into()));
            }
            self.step()?;
        }
    }

    /// One thing happens.
    fn step(&mut self) -> Result<(), Broken> {
        self.step += 1;
        self.outside.clock.shift(self.dice.span(SECOND / 10));
        self.fail_something();
        if self.machine.is_none() {
            // A process that is gone stays away for a while.
            return if self.dice.percent(20) { self.start() } else { Ok(()) };
        }
        match self.dice.roll(12) {
            0..=1 => self.call(),
            2..=4 => self.deliver()?,
            5..=7 => self.serve()?,
            8 => self.write()?,
            9..=10 => self.work()?,
            _ => self.upkeep()?,
        }
        self.notice()
    }

    /// The clients' calls go out.
    fn call(&mut self) {
        let client = self.dice.roll(self.clients.len());
        let Some(caller) = self.clients.get_mut(client) else { return };
        if let Some((number, call)) = caller.next(self.step, &mut self.dice) {
            self.trace.note(format_args!("{} client {client} asks {number}: {} {}", self.step, call.method, call.path));
            self.network.ask(self.step, client, number, &call);
        }
    }

    fn deliver(&mut self) -> Result<(), Broken> {
        match self.network.arrive(self.step) {
            Some(Parcel::Request(client, number, call)) => {
                let (key, is_history) = (self.clients[client].key.clone(), self.clients[client].is_history);
                if let Some(machine) = self.machine.as_mut().filter(|machine| machine.is_serving()) {
                    machine.take(client, number, &key, is_history, &call);
                }
                Ok(())
            }
            Some(Parcel::Answer(client, number, answer)) => self.hear(client, number, &answer),
            None => Ok(()),
        }
    }

    fn hear(&mut self, client: usize, number: u64, answer: &Answer) -> Result<(), Broken> {
        self.trace
            .note(format_args!("{} client {client} hears {number}: {} {}", self.step, answer.status, answer.body));
        self.clients[client].hear(number, answer)
    }

    fn serve(&mut self) -> Result<(), Broken> {
        let served = self.machine.as_mut().and_then(|machine| machine.serve_one(&mut self.dice));
        if let Some((client, number, answer)) = served {
            self.network.answer(self.step, client, number, answer);
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), Broken> {
        if self.machine.as_mut().is_some_and(Machine::write) {
            self.trace.note(format_args!("{} written", self.step));
            self.remember()?;
        }
        Ok(())
    }

    fn work(&mut self) -> Result<(), Broken> {
        let Some(machine) = &mut self.machine else { return Ok(()) };
        match machine.work(&self.outside) {
            Ok(worked) => self.trace.note(format_args!("{} worked: {worked}", self.step)),
            // The store failed; the worker is started again.
            Err(_) if self.outside.store.is_cut() => {}
            Err(error) => return Err(stopped(error)),
        }
        Ok(())
    }

    fn upkeep(&mut self) -> Result<(), Broken> {
        let days = self.temper.days_pass && self.dice.percent(10);
        let Some(machine) = &mut self.machine else { return Ok(()) };
        if days && self.outside.clock.days_since_start() < 40 {
            self.outside.clock.shift(20 * HOUR);
        }
        let day = self.outside.clock.days_since_start();
        if day != self.ticked_day {
            self.ticked_day = day;
            machine.tick(&self.outside.clock);
            return Ok(());
        }
        if self.dice.percent(40) {
            match machine.persist() {
                Ok(()) => self.trace.note(format_args!("{} persisted", self.step)),
                Err(_) if self.outside.store.is_cut() => {}
                Err(error) => return Err(Broken::new(1, format!("the store cannot be persisted: {error}"))),
            }
        }
        Ok(())
    }
}

fn stopped(error: cebe_worker::WorkerError) -> Broken {
    Broken::new(1, format!("the worker stopped: {error}"))
}

/// Faults, and what comes after them.
impl World {
    fn chance(&mut self, of_thousand: usize) -> bool {
        of_thousand > 0 && self.dice.roll(1_000) < of_thousand
    }

    fn fail_something(&mut self) {
        let Temper { disk_cut, store_cut, disk_full, sync_failure, clock_jump, crash, .. } = self.temper;
        if self.chance(disk_cut) {
            self.outside.disk.cut_after_acts(Some(1 + self.dice.roll(12) as u64));
        }
        if self.chance(store_cut) {
            self.outside.store.cut_after_writes(Some(self.dice.roll(6) as u64));
        }
        if self.chance(disk_full) {
            self.fill_disk();
        }
        if self.chance(sync_failure) {
            self.outside.disk.fail_syncs_after(Some(self.dice.roll(4) as u64));
        }
        if self.chance(clock_jump) {
            self.jump();
        }
        if self.machine.is_some() && self.chance(crash) {
            self.crash();
        }
    }

    fn fill_disk(&mut self) {
        match self.dice.roll(4) {
            0 => self.outside.disk.full_after_writes(Some(self.dice.roll(5) as u64)),
            1 => self.outside.disk.capacity(Some(1_000)),
            2 => self.outside.disk.short_writes(Some(1 + self.dice.roll(500))),
            _ => self.make_room(),
        }
        self.trace.note(format_args!("{} the disk has another size", self.step));
    }

    fn make_room(&self) {
        self.outside.disk.full_after_writes(None);
        self.outside.disk.capacity(None);
        self.outside.disk.short_writes(None);
    }

    fn jump(&mut self) {
        let far = *self.dice.pick(&[-2 * HOUR, -HOUR, -SECOND, 30 * SECOND, 3 * HOUR, 3 * DAY]);
        // Years of jumps forward would make everything too old to be taken.
        let is_far = self.outside.clock.days_since_start() > 5;
        self.outside.clock.shift(if is_far { far.min(HOUR) } else { far });
        self.trace.note(format_args!("{} the clock jumps by {far}", self.step));
    }

    /// What a step may have led to: the power went, a flush failed, the store stopped.
    fn notice(&mut self) -> Result<(), Broken> {
        let is_dead = self.outside.disk.is_cut() || self.machine.as_ref().is_some_and(Machine::has_failed);
        if is_dead && self.machine.is_some() {
            self.crash();
        } else if self.outside.store.is_cut() {
            if self.dice.percent(50) {
                self.crash();
            } else {
                self.outside.store.cut_after_writes(None);
            }
        }
        Ok(())
    }

    /// The process ends here. What was not flushed may be gone, what was not persisted too.
    fn crash(&mut self) {
        self.crashes += 1;
        self.machine = None;
        let tear = match self.dice.roll(6) {
            0..=1 => None,
            2 => Some(Tear::Kept),
            3 => Some(Tear::First(0)),
            4 => Some(Tear::First(self.dice.roll(2_000))),
            _ => Some(Tear::Zeroed(self.dice.roll(2_000))),
        };
        self.trace.note(format_args!("{} crash: {tear:?}", self.step));
        self.outside.disk = match tear {
            None => self.outside.disk.after_kill(),
            Some(tear) => self.outside.disk.after_power_cut(tear),
        };
        self.outside.store = Arc::new(self.outside.store.after_crash(&mut self.dice));
    }

    /// Everything that was broken works again.
    fn repair(&mut self) {
        self.outside.disk.cut_after_acts(None);
        self.outside.disk.fail_syncs_after(None);
        self.outside.store.cut_after_writes(None);
        self.make_room();
    }

    /// A new process; the power may go while it starts.
    fn start(&mut self) -> Result<(), Broken> {
        match Machine::start(&self.outside) {
            Ok(machine) => {
                self.trace.note(format_args!("{} a process starts", self.step));
                self.machine = Some(machine);
                self.compare()?;
                self.notice()
            }
            Err(error) if self.outside.disk.is_cut() => {
                self.trace.note(format_args!("{} the power went during a start: {error}", self.step));
                self.crash();
                Ok(())
            }
            Err(error) => self.cannot_start(&error),
        }
    }

    /// A disk whose flushes fail does not let a process start; anything else is damage.
    fn cannot_start(&mut self, error: &str) -> Result<(), Broken> {
        if error.starts_with("cannot flush") {
            self.outside.disk = self.outside.disk.after_kill();
            return Ok(());
        }
        Err(Broken::new(1, format!("it does not start any more: {error}")))
    }

    /// Takes what became readable into the archive.
    fn remember(&mut self) -> Result<(), Broken> {
        let Some(machine) = &self.machine else { return Ok(()) };
        for lane in Lane::ALL {
            let from = Position(self.archive[lane].len() as u64);
            let records = machine.records_from(lane, from).map_err(|error| Broken::new(1, error))?;
            for (position, bytes) in records {
                if position.0 != self.archive[lane].len() as u64 {
                    return Err(Broken::new(
                        1,
                        format!("{lane}: position {position} was given out twice or not at all"),
                    ));
                }
                self.archive[lane].push(bytes);
            }
        }
        Ok(())
    }

    /// What was readable before a crash is there after it, byte for byte.
    fn compare(&mut self) -> Result<(), Broken> {
        let Some(machine) = &self.machine else { return Ok(()) };
        let firsts = firsts(&machine.queue);
        for lane in Lane::ALL {
            let records = machine.records_from(lane, firsts[lane]).map_err(|error| Broken::new(1, error))?;
            let end = firsts[lane].0 + records.len() as u64;
            let known = self.archive[lane].len() as u64;
            if end < known {
                return Err(Broken::new(1, format!("{lane}: it ended at {known} before the crash, at {end} after it")));
            }
            let changed = records.iter().find(|(position, bytes)| {
                let before = usize::try_from(position.0).ok().and_then(|place| self.archive[lane].get(place));
                before.is_some_and(|before| before != bytes)
            });
            if let Some((position, _)) = changed {
                return Err(Broken::new(1, format!("{lane}: the record at {position} is another after the crash")));
            }
        }
        self.remember()
    }
}
