import AuditActions

/// The content of a POST: one action `{"ttl","body"}`, an array of 1…100, or Zaqar v2's `{"messages":[…]}`.
struct PostDocument {
  let actions: [PostedAction]

  private static let itemMembers = ["ttl", "body"]
  private static let membersMax = 16
  /// A body may be nested ``ActionLimits/depthMax`` levels deep by itself; `{"messages":[{"body":…` is three more.
  private static let depthMax = ActionLimits.depthMax + 3

  /// Checks every item before any is taken.
  /// - Throws: a 400, or a 413 when a body is too large, with what is wrong with each item.
  init(_ bytes: UnsafeRawBufferPointer) throws(Problem) {
    let scanner = JSONScanner(bytes)
    let slices: [JSONSlice]
    do {
      slices = try Self.items(scanner, root: try scanner.root(depthMax: Self.depthMax))
    } catch let error as AuditActionError {
      throw Problem(error)
    } catch let problem as Problem {
      throw problem
    } catch {
      throw .malformed
    }
    var actions: [PostedAction] = []
    var faults: [(index: Int, error: AuditActionError)] = []
    for (index, slice) in slices.enumerated() {
      do throws(AuditActionError) {
        actions.append(try Self.action(scanner, slice))
      } catch {
        faults.append((index, error))
      }
    }
    guard faults.isEmpty else { throw Self.problem(faults, of: slices.count) }
    self.actions = actions
  }

  private static func items(_ scanner: JSONScanner, root: JSONSlice) throws -> [JSONSlice] {
    switch root.kind {
    case .array:
      return try elements(scanner, root)
    case .object:
      let members = try scanner.members(of: root, countMax: membersMax)
      guard let messages = members.first(where: { $0.name == "messages" }) else { return [root] }
      guard members.count == 1, messages.value.kind == .array else {
        throw Problem.invalidParameter(
          "messages is an array of actions and stands alone", parameter: "messages")
      }
      return try elements(scanner, messages.value)
    default:
      throw Problem.invalidParameter(
        "send one action {\"ttl\":…,\"body\":{…}}, an array of them, or {\"messages\":[…]}")
    }
  }

  private static func elements(_ scanner: JSONScanner, _ array: JSONSlice) throws -> [JSONSlice] {
    // The document has been checked whole: only too many elements can fail here.
    guard let items = try? scanner.elements(of: array, countMax: ActionLimits.actionsPerPostMax), !items.isEmpty else {
      throw Problem.invalidParameter(
        "one request carries 1 to \(ActionLimits.actionsPerPostMax) actions", parameter: "messages",
        allowed: .range(minimum: 1, maximum: ActionLimits.actionsPerPostMax))
    }
    return items
  }

  private static func action(_ scanner: JSONScanner, _ item: JSONSlice) throws(AuditActionError) -> PostedAction {
    guard item.kind == .object else {
      throw AuditActionError(.notAnObject, "an action is an object {\"ttl\":…,\"body\":{…}}")
    }
    var body: JSONSlice?
    var timeToLive: TimeToLive?
    var seen: Set<String> = []
    for member in try scanner.members(of: item, countMax: membersMax) {
      guard seen.insert(member.name).inserted else {
        throw AuditActionError(.invalidJSON, "a member stands twice; send it once", parameter: shown(member.name))
      }
      switch member.name {
      case "body":
        body = member.value
      case "ttl":
        // What does not fit 1…1,209,600 is refused by the type, a fraction or a text by the scanner.
        timeToLive = try TimeToLive(seconds: Int(scanner.integer(member.value, in: 0...Int64(Int32.max)) ?? 0))
      case "delay":
        guard scanner.integer(member.value, in: 0...0) != nil else {
          throw AuditActionError(.invalidJSON, "actions cannot be delayed; leave delay out", parameter: "delay")
        }
      default:
        let nearest = Spelling.nearest(to: member.name, in: itemMembers).map { "; did you mean '\($0)'?" } ?? ""
        throw AuditActionError(
          .invalidJSON, "an action has the members ttl and body only\(nearest)", parameter: shown(member.name))
      }
    }
    guard let body else {
      throw AuditActionError(
        .invalidJSON, "the action has no body; send {\"event\":…,\"details\":{…}}", parameter: "body")
    }
    let bytes = scanner.bytes(of: body)
    _ = try ActionBody.validate(bytes)
    return PostedAction(body: Array(bytes), timeToLive: timeToLive)
  }

  /// A name from outside, bounded.
  private static func shown(_ name: String) -> String { String(decoding: name.utf8.prefix(64), as: UTF8.self) }

  private static func problem(_ faults: [(index: Int, error: AuditActionError)], of count: Int) -> Problem {
    let first = faults.first { $0.error.code == .tooLarge } ?? faults[0]
    var problem = Problem(first.error)
    if first.error.code == .invalidTimeToLive {
      problem.allowed = .range(
        minimum: Int(ActionLimits.timeToLiveSecondsMin), maximum: Int(ActionLimits.timeToLiveSecondsMax))
    }
    if count > 1 {
      problem.detail = "action \(first.index): \(problem.detail); nothing was sent"
    }
    problem.items = faults.map { Problem.Item(index: $0.index, detail: $0.error.detail, parameter: $0.error.parameter) }
    return problem
  }
}
