import Dispatch
import Kafka
import Logging
import Synchronization

/// Publishes a spool to Kafka in its order, on a thread of its own.
///
/// What is not acknowledged stays in the spool. When a record fails, the ones on their way are waited for and those of
/// them that failed are sent again, before anything new is. A record that Kafka will never take (too large for the
/// topic, against its policy) is counted as failed and passed: its number stays missing in the feed.
final class SpoolPublisher: Sendable {
  fileprivate struct Flight {
    var item: Spool.Item
    var isDone = false
  }

  fileprivate struct State {
    /// Sent, in the spool's order. Those before `head` are done with all that went before them.
    var flights: [Flight] = []
    var head = 0
    /// Of the first in `flights`.
    var firstTicket: UInt64 = 0
    var underWay = 0
    var bytesUnderWay = 0
    var mustSendAgain = false
    var sendsAgainAt = ContinuousClock.now
    var isBlocked = false
    /// Nothing is sent yet.
    var isHeld = false
    var isAsleep = false
    /// Set by `stop`: until when what is left may be published.
    var deadline: ContinuousClock.Instant?

    var waiting: Int { flights.count - head }
  }

  /// `_MSG_SIZE_TOO_LARGE`, RECORD_LIST_TOO_LARGE, POLICY_VIOLATION, INVALID_RECORD.
  private static let hopeless: Set<Int32> = [KafkaError.Code.recordTooLarge, 18, 44, 87]
  fileprivate static let pauseMilliseconds = 100

  private let spool: Spool
  private let producers: ProducerSlot
  private let topic: String
  private let recordsMax: Int
  private let bytesMax: Int
  private let tally: EmitterTally
  private let faults: RepeatingFaultLog
  private let state = Mutex(State())
  private let signal: DispatchSemaphore
  private let thread = Mutex<DedicatedThread?>(nil)

  init(
    spool: Spool, signal: DispatchSemaphore, producers: ProducerSlot, configuration: ActionEmitterConfiguration,
    tally: EmitterTally, faults: RepeatingFaultLog
  ) {
    self.spool = spool
    self.signal = signal
    self.producers = producers
    topic = configuration.topic
    recordsMax = configuration.outstandingActionsMax
    bytesMax = configuration.outstandingBytesMax
    self.tally = tally
    self.faults = faults
    state.withLock { $0.isHeld = configuration.holdsPublishing }
  }

  func start() {
    thread.withLock { $0 = DedicatedThread(name: "spool") { [self] in run() } }
  }

  /// To be called when the emitter was told to hold what it is given.
  func begin() {
    state.withLock { $0.isHeld = false }
    signal.signal()
  }

  /// Publishes what it can within `flushTimeout`, then ends the thread. What is left stays in the spool.
  func stop(flushTimeout: Duration) async {
    beginStop(flushTimeout: flushTimeout)
    await thread.withLock { $0 }?.join()
  }

  func beginStop(flushTimeout: Duration) {
    let deadline = ContinuousClock.now + min(flushTimeout, .seconds(86_400))
    state.withLock { $0.deadline = min($0.deadline ?? deadline, deadline) }
    signal.signal()
  }

  /// Tells those who wait for Kafka that it has not acknowledged their actions, which stay in the spool.
  func endWaits() {
    let underWay = state.withLock { state in state.flights.filter { !$0.isDone }.compactMap(\.item.delivery) }
    for delivery in underWay + spool.takeDeliveries() { delivery(.failure(.notAcknowledged)) }
  }

  // MARK: The thread

  private func run() {
    var cursor = spool.state.withLock { $0.acknowledged }
    var nextSync = ContinuousClock.now + spool.configuration.syncInterval
    var nextRound = ContinuousClock.now
    while !isOver {
      let now = ContinuousClock.now
      if now >= nextRound {
        attempt("the spool's files cannot be kept up", spool.maintain)
        nextRound = now + .milliseconds(Self.pauseMilliseconds)
      }
      if now >= nextSync || spool.awaitsSync {
        if spool.isUnsynced || spool.awaitsSync { attempt("the spool cannot be synced", spool.sync) }
        nextSync = now + spool.configuration.syncInterval
      }
      if !turn(&cursor) { sleep(until: min(nextRound, nextSync), cursor) }
    }
  }

  private func attempt(_ what: Logger.Message, _ step: () throws(EmitError) -> Void) {
    do throws(EmitError) { try step() } catch { faults.report(what, error) }
  }

  private var isOver: Bool {
    state.withLock { state in
      guard let deadline = state.deadline else { return false }
      return .now >= deadline || (state.waiting == 0 && spool.status.pending == 0)
    }
  }

  /// Waits for something to do, or for the time given.
  private func sleep(until time: ContinuousClock.Instant, _ cursor: SpoolPlace) {
    let awaitsKafka = state.withLock { state in
      state.isAsleep = true
      return state.isBlocked || state.mustSendAgain || state.isHeld
    }
    // Looked at under the lock of those who append, so that none of them comes between the look and the sleep.
    let sleeps = spool.state.withLock { state in
      let isNews =
        state.files.last.map { SpoolPlace(file: $0.header.number, position: $0.actionsEnd) > cursor } ?? false
      state.isPublisherAsleep = (awaitsKafka || !isNews) && state.syncs.isEmpty
      return state.isPublisherAsleep
    }
    if sleeps {
      let wait = max(Duration.milliseconds(1), time - .now)
      _ = signal.wait(timeout: .now() + .nanoseconds(Int(wait / .nanoseconds(1))))
    }
    spool.state.withLock { $0.isPublisherAsleep = false }
    state.withLock { $0.isAsleep = false }
  }

  /// Sends what there is and has room. False when there is nothing to do now.
  private func turn(_ cursor: inout SpoolPlace) -> Bool {
    if state.withLock({ $0.isHeld }) { return false }
    if state.withLock({ $0.mustSendAgain }) { return sendAgain() }
    var hasSent = false
    while hasRoom, let item = spool.next(from: &cursor) {
      let ticket = state.withLock { state in
        state.flights.append(Flight(item: item))
        state.underWay += 1
        state.bytesUnderWay += item.payload.count
        return state.firstTicket + UInt64(state.flights.count - 1)
      }
      guard send(item, ticket) else { return false }
      hasSent = true
    }
    return hasSent
  }

  private var hasRoom: Bool {
    state.withLock { state in
      state.isBlocked =
        state.waiting >= recordsMax || (state.bytesUnderWay >= bytesMax && state.underWay > 0)
      return !state.isBlocked
    }
  }

  /// Sends what failed, in the spool's order, once nothing is on its way any more. False while there is.
  private func sendAgain() -> Bool {
    let failed: [(UInt64, Spool.Item)]? = state.withLock { state in
      guard state.underWay == 0, .now >= state.sendsAgainAt else { return nil }
      state.mustSendAgain = false
      return state.flights.indices.filter { $0 >= state.head && !state.flights[$0].isDone }
        .map { (state.firstTicket + UInt64($0), state.flights[$0].item) }
    }
    guard let failed else { return false }
    for (ticket, item) in failed {
      state.withLock { state in
        state.underWay += 1
        state.bytesUnderWay += item.payload.count
      }
      guard send(item, ticket) else { return false }
    }
    return true
  }

  /// False when the client did not take it: it is sent again after a pause.
  private func send(_ item: Spool.Item, _ ticket: UInt64) -> Bool {
    let action = item.action
    let headers =
      action.headers + [
        KafkaHeader("ce_sequence", String(action.sequence)), KafkaHeader("ce_logid", String(item.header.logID)),
      ]
    do throws(KafkaError) {
      try producers.current.send(
        topic: topic, rawKey: UnsafeRawBufferPointer(rebasing: item.payload[action.key]),
        rawValue: UnsafeRawBufferPointer(rebasing: item.payload[action.value]), headers: headers
      ) { [self] result in
        landed(ticket, result)
      }
      return true
    } catch {
      landed(ticket, .failure(error))
      return false
    }
  }

  /// What became of a record; on Kafka's thread, but for those its client did not take.
  private func landed(_ ticket: UInt64, _ result: Result<RecordPosition, KafkaError>) {
    var isHopeless = false
    if case .failure(let error) = result { isHopeless = Self.hopeless.contains(error.code) }
    let isAgain = if case .failure = result { !isHopeless } else { false }
    let (delivery, reached, wakes) = state.withLock { state in
      let index = Int(ticket - state.firstTicket)
      let delivery = isAgain ? nil : state.flights[index].item.delivery
      let reached = state.land(index, isAgain: isAgain)
      return (delivery, reached, state.takeWakeUp(roomAt: recordsMax / 2, bytesMax / 2))
    }
    if let reached { spool.acknowledge(reached.place, actions: reached.actions) }
    switch result {
    case .success(let position):
      tally.countDelivered()
      delivery?(.success(EmittedPosition(position)))
    case .failure(let kafka):
      let error = EmitError(failure: kafka)
      if isHopeless {
        tally.countFailed(kafka.name)
        faults.report("Kafka will never take an action; it is dropped from the spool", error)
        delivery?(.failure(error))
      } else if state.withLock({ $0.deadline }) == nil {
        faults.report("an action in the spool is not delivered yet; it is sent again", error)
      }
      producers.replaceIfFatal()
    }
    if wakes { signal.signal() }
  }
}

extension SpoolPublisher.State {
  /// - Returns: what is acknowledged with it, when it was the first one missing.
  fileprivate mutating func land(_ index: Int, isAgain: Bool) -> (place: SpoolPlace, actions: Int)? {
    underWay -= 1
    bytesUnderWay -= flights[index].item.payload.count
    if isAgain {
      mustSendAgain = true
      sendsAgainAt = .now + .milliseconds(SpoolPublisher.pauseMilliseconds)
      return nil
    }
    flights[index].isDone = true
    guard index == head else { return nil }
    let first = head
    while head < flights.count, flights[head].isDone { head += 1 }
    defer { forgetDone() }
    return (flights[head - 1].item.end, head - first)
  }

  /// Now and then, so that it costs nothing on average.
  private mutating func forgetDone() {
    guard head >= 1_024, head >= flights.count / 2 || head == flights.count else { return }
    flights.removeFirst(head)
    firstTicket += UInt64(head)
    head = 0
  }

  /// Whether the thread is to be woken: it sleeps, and has something to do now.
  fileprivate mutating func takeWakeUp(roomAt records: Int, _ bytes: Int) -> Bool {
    let isDue =
      mustSendAgain ? underWay == 0 : (isBlocked && waiting <= records && bytesUnderWay <= bytes) || deadline != nil
    guard isAsleep, isDue else { return false }
    isAsleep = false
    return true
  }
}
