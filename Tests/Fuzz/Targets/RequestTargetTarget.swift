@testable import FeedServer

/// Paths, query strings and the fields routing looks at, through everything between HTTP's wire and the store.
final class RequestTargetTarget: FuzzTarget {
  static let name = "targets"
  static let share = 100_000_000

  private let world: FeedWorld
  private let core: FeedCore
  private let mutation = Mutation(FeedWorld.queryWords, raw: Samples.brokenText)
  private let fieldMutation = Mutation([
    "*/*", "application/json", ";q=0", ";q=", ",", "\"", "utf-8", "charset=", "gzip",
  ])

  init(seed: UInt64) throws {
    world = try FeedWorld()
    core = world.server.core(.all)
  }

  func run(_ random: inout SeededRandom) throws {
    let target = mutation.apply(to: random.pick(world.targets), with: random.pick(world.targets), &random)
    var request = FeedRequest(
      method: random.pick(["GET", "GET", "GET", "HEAD", "POST", "DELETE", ""]),
      target: String(decoding: target, as: UTF8.self), requestID: "id")
    request.accept = field(["application/json", "text/html, */*;q=0.1", "*/*;q=0"], &random)
    request.project = field(["p", "p2", "a b"], &random)
    request.contentType = field(["application/json", "application/json; charset=\"UTF-8\"", "text/plain"], &random)
    request.contentEncoding = field(["identity", "gzip"], &random)
    request.prefer = field(["handling=strict", "wait=5, handling=\"strict\"; a=b"], &random)
    if random.oneIn(4) { request.contentLength = random.pick([0, 1, 8 << 20, .max, -1]) }
    guard case .answer(let answer, _) = core.begin(request) else { return }
    try FeedWorld.check(answer, "\(request)")
  }

  private func field(_ samples: [String], _ random: inout SeededRandom) -> String? {
    switch random.below(4) {
    case 0, 1: nil
    case 2: random.pick(samples)
    default:
      String(
        decoding: fieldMutation.apply(to: Array(random.pick(samples).utf8), with: [], &random), as: UTF8.self)
    }
  }
}
