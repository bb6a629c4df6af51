import AuditActions
import Metrics
import Testing

@testable import ActionEmitter

@Suite("The gate: which events are wanted")
struct EventGateTests {
  let orders: QueueAddress
  let mail: QueueAddress

  init() throws {
    orders = try QueueAddress(project: "p", queue: "orders")
    mail = try QueueAddress(project: "p", queue: "mail")
  }

  private func gate() -> EventGate { EventGate(metrics: NOOPMetricsHandler.instance) }

  private func wants(_ gate: EventGate, _ kind: EventKind, of queue: QueueAddress) -> Bool {
    let byBits = gate.gate(of: queue).wants(kind)
    let byName = (try? gate.admit(kind.type, to: queue)) != nil
    #expect(byBits == byName, "\(kind.type) of \(queue)")
    return byBits
  }

  @Test("The five kinds have the numbers that are written beside them, and the catalogue's types have one")
  func numbers() {
    let kinds: [EventKind] = [.messageDeleted, .messagesClaimed, .claimUpdated, .claimReleased, .claimExpired]
    for kind in kinds { #expect(EventKind(kind.type).number == kind.number) }
    #expect(kinds.map(\.type) == EventSet.queue.types)
    for type in EventCatalogue.builtIn.types { #expect(EventKind(type).number < EventKind.numberedMax) }
    #expect(EventKind("EventGateTests.own") == EventKind("EventGateTests.own"))
  }

  @Test("Everything is wanted of every queue until something is said")
  func open() {
    let gate = gate()
    #expect(gate.isOpen)
    #expect(wants(gate, .claimExpired, of: orders))
    #expect(wants(gate, EventKind("QUERY_STARTED"), of: mail))
  }

  @Test("Channels hold for every queue, from the moment they are set")
  func channels() throws {
    let gate = gate()
    let kept = gate.gate(of: orders)
    #expect(kept.wants(.claimExpired))
    gate.setChannels(try ChannelSet([Channel("c", events: [.claimReleased, "QUERY_STARTED"])]))
    #expect(!kept.wants(.claimExpired))
    #expect(!wants(gate, .claimExpired, of: orders))
    #expect(wants(gate, .claimReleased, of: orders) && wants(gate, EventKind("QUERY_STARTED"), of: mail))
    #expect(kept.skip(EventKind.claimExpired.number) == .channel && gate.reason(against: .claimExpired) == .channel)
    gate.setChannels(try ChannelSet([Channel("c", isEnabled: false, events: [.claimReleased])]))
    #expect(!wants(gate, .claimReleased, of: orders))
    gate.setChannels(.none)
    #expect(gate.isOpen && wants(gate, .claimExpired, of: orders))
  }

  @Test("What queues say holds once it is known to be all; until then every queue is audited")
  func queues() {
    let gate = gate()
    let kept = gate.gate(of: orders)
    gate.setQueue(QueueAudit(enabled: false), of: orders)
    #expect(gate.isOpen && wants(gate, .claimExpired, of: orders))
    gate.setKnowsQueues(true)
    #expect(!kept.wants(.claimExpired))
    #expect(!wants(gate, .claimExpired, of: orders) && wants(gate, .claimExpired, of: mail))
    #expect(kept.skip(EventKind.claimExpired.number) == .queue && gate.reason(against: .claimExpired) == .queue)
    gate.setQueue(QueueAudit(enabled: true, events: [.messageDeleted]), of: orders)
    #expect(wants(gate, .messageDeleted, of: orders) && !wants(gate, .claimExpired, of: orders))
    gate.setDefault(.declared)
    #expect(!wants(gate, .claimExpired, of: mail) && wants(gate, .messageDeleted, of: orders))
    gate.setQueue(nil, of: orders)
    #expect(!wants(gate, .messageDeleted, of: orders))
    gate.setDefault(.all)
    #expect(gate.isOpen && wants(gate, .messageDeleted, of: orders))
  }

  @Test("Both have to want an event")
  func both() throws {
    let gate = gate()
    gate.setChannels(try ChannelSet([Channel("c", events: [.claimReleased, .claimExpired])]))
    gate.setQueue(QueueAudit(events: [.claimReleased, .messageDeleted]), of: orders)
    gate.setKnowsQueues(true)
    #expect(wants(gate, .claimReleased, of: orders))
    #expect(!wants(gate, .claimExpired, of: orders) && !wants(gate, .messageDeleted, of: orders))
  }

  @Test("A kind that gets its number late is decided on as it should be, by gates that were there before")
  func lateKind() throws {
    let gate = gate()
    let kept = gate.gate(of: orders)
    let late: ActionType = "EventGateTests.late"
    gate.setCatalogue(try EventCatalogue(own: [EventDefinition(late)]), takesOnlyKnown: false)
    gate.setChannels(
      try ChannelSet([Channel("c", events: [late])], catalogue: try EventCatalogue(own: [EventDefinition(late)])))
    let (kind, other) = (EventKind(late), EventKind("EventGateTests.other"))
    try #require(kind.number < EventKind.numberedMax && other.number < EventKind.numberedMax)
    #expect(kept.wants(kind))
    #expect(!kept.wants(other))
    #expect(wants(gate, kind, of: mail) && !wants(gate, other, of: mail))
  }

  @Test("Where only known types are taken, others are refused by name, in Ignite's words")
  func strict() throws {
    let gate = gate()
    gate.setCatalogue(.builtIn, takesOnlyKnown: true)
    #expect(!gate.isOpen)
    try gate.admit("ClaimExpired", to: orders)
    let error = #expect(throws: EmitError.self) { try gate.admit("ClaimExpird", to: orders) }
    #expect(error?.reason == .unknownEvent)
    #expect(error?.message.contains("'ClaimExpird' in the system") == true)
    gate.setCatalogue(.builtIn, takesOnlyKnown: false)
    try gate.admit("ClaimExpird", to: orders)
  }

  @Test("A kind that is refused, or has no number, is judged by its name, and not counted as skipped")
  func notCounted() throws {
    let gate = gate()
    let kept = gate.gate(of: orders)
    gate.setCatalogue(.builtIn, takesOnlyKnown: true)
    gate.setChannels(try ChannelSet([Channel("c", events: [.claimReleased])]))
    let refused = EventKind.numberedMax - 1
    gate.learn("EventGateTests.unknown", number: refused)
    #expect(kept.skip(refused) == nil && kept.skip(EventKind.numberedMax) == nil)
    #expect(gate.skips() == EventGate.Skips())
    #expect(kept.skip(EventKind.claimExpired.number) == .channel)
    gate.setCatalogue(.builtIn, takesOnlyKnown: false)
    gate.learn("EventGateTests.unknown", number: refused)
    #expect(kept.skip(refused) == .channel)
    #expect(gate.skips() == EventGate.Skips(channel: 2, queue: 0))
  }

  @Test("Gates that nobody keeps are dropped, and their counts stay")
  func sweeps() throws {
    let gate = gate()
    let kept = gate.gate(of: orders)
    kept.countSkip(.queue)
    for number in 0..<5_000 {
      gate.gate(of: try QueueAddress(project: "p", queue: "q\(number)")).countSkip(.channel)
    }
    #expect(gate.gateCount < 2_100)
    #expect(gate.skips() == EventGate.Skips(channel: 5_000, queue: 1))
    #expect(gate.gate(of: orders) === kept)
  }

  @Test("What is skipped reaches swift-metrics by reason, each time once")
  func metrics() {
    let factory = KeepingMetrics()
    let gate = EventGate(metrics: factory)
    gate.gate(of: orders).countSkip(.queue)
    gate.countSkip(.channel)
    for _ in 0..<2 { _ = gate.skips() }
    #expect(
      factory.values == [
        "strandline_actions_skipped_total{reason=channel}": 1, "strandline_actions_skipped_total{reason=queue}": 1,
      ])
  }

  @Test("Deciding while everything changes gives an answer that was right at some time, and loses no count")
  func races() async throws {
    let gate = gate()
    let (decisions, tasks) = (20_000, 4)
    let orders = orders
    let open = try ChannelSet([Channel("c", events: [.claimExpired])])
    let wanted = Tally()
    await withTaskGroup { group in
      for _ in 0..<tasks {
        group.addTask {
          let kept = gate.gate(of: orders)
          for _ in 0..<decisions {
            if kept.wants(.claimExpired) { wanted.add() } else { _ = kept.skip(EventKind.claimExpired.number) }
          }
        }
      }
      group.addTask {
        for round in 0..<500 {
          gate.setChannels(round.isMultiple(of: 2) ? open : .none)
          gate.setQueue(QueueAudit(enabled: round.isMultiple(of: 3)), of: orders)
          gate.setKnowsQueues(true)
          _ = gate.skips()
        }
      }
    }
    let skips = gate.skips()
    #expect(wanted.value + skips.channel + skips.queue == decisions * tasks)
  }
}
