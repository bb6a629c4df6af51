public import AuditActions
import Synchronization

/// An event type with its number in this process, by which a gate decides without looking at its name.
///
/// The five kinds of queue actions are members; any other is made once and kept:
///
/// ```swift
/// let shipped = EventKind("OrderShipped")
/// …
/// queue.emit(shipped) { ["order": .integer(4711)] }
/// ```
///
/// The first ``numberedMax`` types of a process have a number, those of the catalogue among them. Any after them can be
/// used as well; deciding on one of those takes a lock and a look-up by name.
public struct EventKind: Sendable, Hashable {
  /// Types that have a number.
  @inlinable public static var numberedMax: Int { 256 }

  public let type: ActionType
  /// ``numberedMax`` for one without.
  @usableFromInline let number: Int

  /// Numbers a type, or finds the number it has: to be kept, since it takes a lock.
  public init(_ type: ActionType) {
    self.init(type: type, number: EventNumbers.shared.number(of: type))
  }

  @inlinable
  init(type: ActionType, number: Int) {
    self.type = type
    self.number = number
  }

  // Names and numbers are the members and places of `EventSet.queue`, which comes first in every catalogue; a test says
  // so. They are written out here to be constants wherever they are used: reading a global would be a call, and would
  // count references to its name.

  /// A message was deleted.
  @inlinable public static var messageDeleted: EventKind { EventKind(type: "MessageDeleted", number: 0) }
  /// Messages were claimed.
  @inlinable public static var messagesClaimed: EventKind { EventKind(type: "MessagesClaimed", number: 1) }
  /// A claim was renewed, or its time to live or grace changed.
  @inlinable public static var claimUpdated: EventKind { EventKind(type: "ClaimUpdated", number: 2) }
  /// A claim was given back before it expired.
  @inlinable public static var claimReleased: EventKind { EventKind(type: "ClaimReleased", number: 3) }
  /// A claim ran out of time.
  @inlinable public static var claimExpired: EventKind { EventKind(type: "ClaimExpired", number: 4) }

  public static func == (left: EventKind, right: EventKind) -> Bool { left.type == right.type }
  public func hash(into hasher: inout Hasher) { hasher.combine(type) }
}

/// The numbers of event types, the same for every emitter of the process. A number is never given back.
final class EventNumbers: Sendable {
  private struct State {
    var types: [ActionType] = []
    var numbers: [ActionType: Int] = [:]
    var gates: [WeakGate] = []
  }

  private struct WeakGate {
    weak var gate: EventGate?
  }

  static let shared = EventNumbers()
  private let state: Mutex<State>

  private init() {
    var state = State()
    for type in EventSet.builtIn.flatMap(\.types) {
      state.numbers[type] = state.types.count
      state.types.append(type)
    }
    self.state = Mutex(state)
  }

  /// The types that have numbers, in their order.
  var types: [ActionType] { state.withLock { $0.types } }

  /// The type's number, a new one where it has none; ``EventKind/numberedMax`` when all are given.
  func number(of type: ActionType) -> Int {
    let (number, gates): (Int, [EventGate]) = state.withLock { state in
      if let number = state.numbers[type] { return (number, []) }
      guard state.types.count < EventKind.numberedMax else { return (EventKind.numberedMax, []) }
      state.numbers[type] = state.types.count
      state.types.append(type)
      return (state.types.count - 1, state.gates.compactMap(\.gate))
    }
    // Before anybody has the number: so nobody asks a gate that does not know it.
    for gate in gates { gate.learn(type, number: number) }
    return number
  }

  /// Has a gate told of every number given from now on.
  func add(_ gate: EventGate) {
    state.withLock { state in
      state.gates.removeAll { $0.gate == nil }
      state.gates.append(WeakGate(gate: gate))
    }
  }
}
