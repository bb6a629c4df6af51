import AuditActions

@testable import FeedServer

/// The content of a POST: either a problem, or actions whose bodies stand in it byte for byte and keep the contract.
final class PostTarget: FuzzTarget {
  static let name = "posts"
  static let share = 80_000_000

  static let samples: [[UInt8]] =
    Samples.bodies.map { Array("{\"ttl\":300,\"body\":".utf8) + $0 + Array("}".utf8) }
    + [
      #"[{"ttl":60,"body":{"event":"A"}},{"body":{"event":"B","details":{}}}]"#,
      #"{"messages":[{"body":{"event":"A"},"delay":0},{"ttl":1209600,"body": {"event":"B"} }]}"#,
      "[" + Array(repeating: #"{"body":{"event":"A"}}"#, count: 100).joined(separator: ",") + "]",
      #"{"ttl":0,"body":{"event":"A"}}"#, #"{"body":[]}"#, "[]", "{}",
    ].map { Array($0.utf8) }

  private let mutation = Mutation(Samples.jsonWords, raw: Samples.brokenText)

  init(seed: UInt64) {}

  func run(_ random: inout SeededRandom) throws {
    let content = mutation.apply(to: random.pick(Self.samples), with: random.pick(Self.samples), &random)
    let outcome = exactly(content) { bytes in Result { () throws(Problem) in try PostDocument(bytes).actions } }
    switch outcome {
    case .success(let actions):
      guard NaiveJSON.parse(content, depthMax: 128) != nil, (1...ActionLimits.actionsPerPostMax).contains(actions.count)
      else { throw Finding("\(actions.count) actions are taken from what is no such document", content) }
      var rest = content[...]
      for action in actions {
        guard NaiveJSON.parse(action.body, depthMax: ActionLimits.depthMax)?.event != nil else {
          throw Finding("a body is taken that breaks the contract", content)
        }
        // In their order, none over another.
        guard let place = rest.firstRange(of: action.body) else {
          throw Finding("a body is not as it was sent", content)
        }
        rest = rest[place.upperBound...]
      }
    case .failure(let problem):
      guard problem.status == 400 || problem.status == 413 else { throw Finding("answered \(problem.status)", content) }
      try FeedWorld.check(
        problem.answer(instance: "/v1/p/queues/q/actions", requestID: "id"), String(decoding: content, as: UTF8.self))
    }
  }
}
