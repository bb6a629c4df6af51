/// An event type of a user's own.
public struct EventDefinition: Sendable, Hashable, ExpressibleByStringLiteral {
  public var type: ActionType
  /// What its details look like; nil: any object.
  public var details: DetailsSchema?

  public init(_ type: ActionType, details: DetailsSchema? = nil) {
    self.type = type
    self.details = details
  }

  public init(stringLiteral name: String) { self.init(ActionType(name)) }
}

/// The event types that are known: those of the five systems (``EventSet/builtIn``) and a user's own.
///
/// A channel may only name types of its catalogue, so that a slip of the pen is an error of the configuration and not
/// an event that nobody ever sees.
public struct EventCatalogue: Sendable, Equatable {
  /// Most event types of a user's own.
  public static let ownMax = 1_000

  /// The sets, a user's own last, where there are any.
  public let sets: [EventSet]
  /// Which types are known.
  public let types: Set<ActionType>
  /// What is said of the details of some of them.
  public let schemas: [ActionType: DetailsSchema]

  /// The catalogue without anything of a user's own.
  public static let builtIn = EventCatalogue(sets: EventSet.builtIn, schemas: [:])

  /// - Parameter own: a user's event types. One that is built in already stays in its set; what is said here of its
  ///   details holds.
  /// - Throws: `invalid_event_type` for a name that no action may have, one given twice, or more than ``ownMax``.
  public init(own: [EventDefinition]) throws(AuditActionError) {
    guard own.count <= Self.ownMax else {
      throw AuditActionError(
        .invalidEventType, "a catalogue has at most \(Self.ownMax) event types of your own", parameter: "events")
    }
    var seen: Set<ActionType> = []
    for type in own.map(\.type) {
      try Self.check(type)
      guard seen.insert(type).inserted else {
        throw AuditActionError(.invalidEventType, "the event type '\(type)' is given twice", parameter: "events")
      }
    }
    let builtIn = Self.builtIn.types
    let new = own.map(\.type).filter { !builtIn.contains($0) }
    self.init(
      sets: EventSet.builtIn + (new.isEmpty ? [] : [EventSet("own", origin: "configuration", new)]),
      schemas: own.reduce(into: [:]) { $0[$1.type] = $1.details })
  }

  private init(sets: [EventSet], schemas: [ActionType: DetailsSchema]) {
    self.sets = sets
    self.schemas = schemas
    types = Set(sets.flatMap(\.types))
  }

  public func contains(_ type: ActionType) -> Bool { types.contains(type) }

  /// - Throws: `unknown_event_type`, in Apache Ignite's words, with the nearest known name where one is near.
  public func require(_ type: ActionType) throws(AuditActionError) {
    guard !contains(type) else { return }
    // A name is short, and not everything that stands where one should is.
    let shown = type.rawValue.utf8.count <= 64 ? type.rawValue : String(type.rawValue.prefix(60)) + "..."
    let names = sets.flatMap(\.types).map(\.rawValue)
    let hint = Spelling.nearest(to: shown, in: names).map { " The nearest known one is '\($0)'." } ?? ""
    throw AuditActionError(
      .unknownEventType,
      "Unable to find event type '\(shown)' in the system. Please, make sure you set the correct event type.\(hint)",
      parameter: "event")
  }

  private static func check(_ type: ActionType) throws(AuditActionError) {
    let isControl = type.rawValue.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
    guard (1...ActionLimits.eventBytesMax).contains(type.rawValue.utf8.count), !isControl else {
      throw AuditActionError(
        .invalidEventType,
        "an event type has 1 to \(ActionLimits.eventBytesMax) bytes without control characters", parameter: "events")
    }
  }
}
