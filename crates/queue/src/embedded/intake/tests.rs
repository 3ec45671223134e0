//! Who is written when both lanes wait.

use super::*;

const REQUEST_BYTES: usize = 100;

fn intake_with(live: usize, backfill: usize) -> Intake {
    let intake = Intake::new(usize::MAX, 9 * REQUEST_BYTES);
    for (lane, count) in [(Lane::Backfill, backfill), (Lane::Live, live)] {
        for _ in 0..count {
            let (reply, _) = oneshot::channel();
            let request = Request { tag: Bytes::new(), records: vec![], bytes: REQUEST_BYTES, reply };
            intake.offer(lane, request).unwrap();
        }
    }
    intake
}

fn taken(intake: &Intake) -> Vec<(Lane, usize)> {
    intake.close();
    std::iter::from_fn(|| intake.take()).map(|(lane, requests)| (lane, requests.len())).collect()
}

#[test]
fn live_goes_first_and_backfill_gets_a_tenth_while_both_wait() {
    let order = taken(&intake_with(27, 12));
    let (live, backfill) = (Lane::Live, Lane::Backfill);
    assert_eq!(order, [(live, 9), (backfill, 1), (live, 9), (backfill, 1), (live, 9), (backfill, 9), (backfill, 1)]);
}

#[test]
fn one_lane_alone_gets_everything() {
    assert_eq!(taken(&intake_with(0, 20)), [(Lane::Backfill, 9), (Lane::Backfill, 9), (Lane::Backfill, 2)]);
    assert_eq!(taken(&intake_with(20, 0)), [(Lane::Live, 9), (Lane::Live, 9), (Lane::Live, 2)]);
}

#[test]
fn a_request_larger_than_a_commit_is_taken_alone() {
    let intake = Intake::new(usize::MAX, 10);
    for bytes in [50, 5, 5] {
        let (reply, _) = oneshot::channel();
        intake.offer(Lane::Live, Request { tag: Bytes::new(), records: vec![], bytes, reply }).unwrap();
    }
    assert_eq!(taken(&intake), [(Lane::Live, 1), (Lane::Live, 2)]);
}
