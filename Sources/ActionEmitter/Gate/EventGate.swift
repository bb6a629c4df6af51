package import AuditActions
import Metrics
import Synchronization

/// Decides which events are wanted: by the channels, by the queue they are about, and by the catalogue where only known
/// types are taken.
///
/// Whoever keeps an ``AuditedQueue`` asks bits that were worked out before (``QueueGate``). The others ask by name, under
/// a lock, and only while there is anything to decide: ``isOpen`` says that everything is wanted.
package final class EventGate: Sendable {
  struct Skips: Equatable {
    var channel = 0
    var queue = 0

    static func + (left: Skips, right: Skips) -> Skips {
      Skips(channel: left.channel + right.channel, queue: left.queue + right.queue)
    }
  }

  private struct State {
    var channels = ChannelSet.none
    var catalogue = EventCatalogue.builtIn
    var takesOnlyKnown = false
    var audits: [QueueAddress: QueueAudit] = [:]
    /// Whether `audits` is what the topic holds: until then every queue is audited.
    var knowsQueues = false
    var policy = AuditDefault.all
    var gates: [QueueAddress: QueueGate] = [:]
    var sweepAt = EventGate.sweepMin
    /// Of gates that nobody had any more.
    var skipped = Skips()
    var reported = Skips()
  }

  private static let sweepMin = 1_024

  private let kinds: EmitterKinds
  private let open = Atomic(true)
  private let schemas = Atomic(false)
  /// For those who emit without a handle.
  private let direct: QueueGate
  private let state = Mutex(State())
  private let metrics: [EmitSkip: Counter]

  init(metrics: any MetricsFactory) {
    kinds = EmitterKinds()
    direct = QueueGate(kinds)
    self.metrics = Dictionary(
      uniqueKeysWithValues: EmitSkip.allCases.map { reason in
        let label = "strandline_actions_skipped_total"
        return (reason, Counter(label: label, dimensions: [("reason", reason.rawValue)], factory: metrics))
      })
    // First made known, then worked out: a number given in between is learnt, or is among the types below.
    EventNumbers.shared.add(self)
    state.withLock { refresh(&$0) }
  }

  // MARK: What is wanted

  package func setChannels(_ channels: ChannelSet) {
    change { $0.channels = channels }
  }

  /// - Parameter takesOnlyKnown: whether an event type outside the catalogue is refused.
  package func setCatalogue(_ catalogue: EventCatalogue, takesOnlyKnown: Bool) {
    change { state in
      state.catalogue = catalogue
      state.takesOnlyKnown = takesOnlyKnown
    }
  }

  /// What holds for queues whose metadata does not say.
  package func setDefault(_ policy: AuditDefault) {
    change { $0.policy = policy }
  }

  /// What a queue's metadata says; nil: it has none.
  package func setQueue(_ audit: QueueAudit?, of queue: QueueAddress) {
    state.withLock { state in
      state.audits[queue] = audit
      guard state.knowsQueues else { return }
      if let gate = state.gates[queue] { refresh(gate, of: queue, state) }
      open.store(isOpen(state), ordering: .relaxed)
    }
  }

  /// Whether what ``setQueue(_:of:)`` was told is all there is. Until then every queue is audited.
  package func setKnowsQueues(_ knows: Bool) {
    change { $0.knowsQueues = knows }
  }

  var knowsQueues: Bool { state.withLock { $0.knowsQueues } }

  private func change(_ body: (inout State) -> Void) {
    state.withLock { state in
      body(&state)
      refresh(&state)
    }
  }

  // MARK: Deciding

  /// Whether there is nothing to decide: every event of every queue is wanted, whatever its details.
  @inline(__always)
  var isOpen: Bool { open.load(ordering: .relaxed) }

  /// Holds an action's details against what the catalogue says of them.
  /// - Throws: `invalid_action`.
  func checkDetails(of action: Action) throws(EmitError) {
    guard schemas.load(ordering: .relaxed), let schema = schema(of: action.type) else { return }
    do throws(AuditActionError) { try schema.check(action.details) } catch { throw EmitError(error) }
  }

  /// The same for a body that is JSON already.
  func checkDetails(of action: RawAction, _ type: ActionType) throws(EmitError) {
    guard schemas.load(ordering: .relaxed), let schema = schema(of: type) else { return }
    do throws(AuditActionError) {
      try action.body.withUnsafeBufferPointer { (body) throws(AuditActionError) in
        try schema.check(body: UnsafeRawBufferPointer(body))
      }
    } catch {
      throw EmitError(error)
    }
  }

  private func schema(of type: ActionType) -> DetailsSchema? { state.withLock { $0.catalogue.schemas[type] } }

  /// - Throws: `not_wanted`, `unknown_event`.
  func admit(_ type: ActionType, to queue: QueueAddress) throws(EmitError) {
    if isOpen { return }
    let refusal = state.withLock { state -> EmitError? in
      if let unknown = unknown(type, state) { return unknown }
      if !state.channels.wants(type) { return .notWanted(.channel) }
      return queueWants(type, queue, state) ? nil : .notWanted(.queue)
    }
    if let refusal { throw refusal }
  }

  /// The refusal of a type outside the catalogue; nil when it is known, or any is taken.
  func unknown(_ type: ActionType) -> EmitError? { state.withLock { unknown(type, $0) } }

  /// Why a type is not wanted of a queue whose gate has said so, as things are now.
  func reason(against type: ActionType) -> EmitSkip {
    state.withLock { $0.channels.wants(type) } ? .queue : .channel
  }

  /// Counts for those who emit without a handle.
  func countSkip(_ reason: EmitSkip) { direct.countSkip(reason) }

  /// A queue's gate, the same one for everybody who asks.
  func gate(of queue: QueueAddress) -> QueueGate {
    state.withLock { state in
      if let gate = state.gates[queue] { return gate }
      sweep(&state)
      let gate = QueueGate(kinds)
      state.gates[queue] = gate
      refresh(gate, of: queue, state)
      return gate
    }
  }

  /// A kind has got its number.
  func learn(_ type: ActionType, number: Int) {
    state.withLock { state in
      refresh(number, type, state)
      for (queue, gate) in state.gates {
        gate.wanted.set(number, to: channelsWant(type, state) && queueWants(type, queue, state))
      }
    }
  }

  // MARK: Counting

  /// How often nobody wanted an event, all handles taken together. Tells swift-metrics what is new.
  func skips() -> Skips {
    state.withLock { state in
      let all = state.gates.values.reduce(state.skipped + direct.skips) { $0 + $1.skips }
      metrics[.channel]?.increment(by: max(0, all.channel - state.reported.channel))
      metrics[.queue]?.increment(by: max(0, all.queue - state.reported.queue))
      state.reported = all
      return all
    }
  }

  /// How many queues have a gate.
  var gateCount: Int { state.withLock { $0.gates.count } }

  /// Drops the gates that nobody has any more; their counts stay.
  private func sweep(_ state: inout State) {
    guard state.gates.count >= state.sweepAt else { return }
    for queue in Array(state.gates.keys) {
      // Others get a reference only under this lock.
      guard isKnownUniquelyReferenced(&state.gates[queue]), let gate = state.gates.removeValue(forKey: queue) else {
        continue
      }
      state.skipped = state.skipped + gate.skips
    }
    state.sweepAt = max(Self.sweepMin, 2 * state.gates.count)
  }

  // MARK: Working it out

  private func refresh(_ state: inout State) {
    for (number, type) in EventNumbers.shared.types.enumerated() { refresh(number, type, state) }
    for (queue, gate) in state.gates { refresh(gate, of: queue, state) }
    schemas.store(!state.catalogue.schemas.isEmpty, ordering: .relaxed)
    open.store(isOpen(state), ordering: .relaxed)
  }

  private func refresh(_ number: Int, _ type: ActionType, _ state: borrowing State) {
    kinds.refused.set(number, to: isRefused(type, state))
    kinds.wanted.set(number, to: state.channels.wants(type))
  }

  private func refresh(_ gate: QueueGate, of queue: QueueAddress, _ state: borrowing State) {
    for (number, type) in EventNumbers.shared.types.enumerated() {
      gate.wanted.set(number, to: channelsWant(type, state) && queueWants(type, queue, state))
    }
  }

  private func isOpen(_ state: borrowing State) -> Bool {
    state.channels.wanted == nil && !state.takesOnlyKnown && state.catalogue.schemas.isEmpty
      && (!state.knowsQueues || (state.policy == .all && state.audits.isEmpty))
  }

  private func isRefused(_ type: ActionType, _ state: borrowing State) -> Bool {
    state.takesOnlyKnown && !state.catalogue.contains(type)
  }

  /// A type that is to be refused is not wanted: so that its details are not asked for.
  private func channelsWant(_ type: ActionType, _ state: borrowing State) -> Bool {
    state.channels.wants(type) && !isRefused(type, state)
  }

  private func queueWants(_ type: ActionType, _ queue: QueueAddress, _ state: borrowing State) -> Bool {
    !state.knowsQueues || state.policy.wants(event: type, of: state.audits[queue])
  }

  private func unknown(_ type: ActionType, _ state: borrowing State) -> EmitError? {
    guard state.takesOnlyKnown else { return nil }
    do throws(AuditActionError) {
      try state.catalogue.require(type)
      return nil
    } catch {
      return EmitError(
        .unknownEvent, error.detail, hint: "add the type to the catalogue, or correct it", invalid: error)
    }
  }
}
