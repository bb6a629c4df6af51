import ActionEmitter
import AuditActions
import Logging
import ServiceLifecycle

/// A few simulated queue workers: they claim messages, renew, release and delete them, and let some claims expire.
struct DemoWorkers: Service {
  static let queues = ["orders", "invoices", "mail"]

  let configuration: NodeConfiguration
  let settings: Settings
  /// Reads the configuration file once more, on SIGHUP.
  let reload: (@Sendable () throws(ConfigurationError) -> Settings)?
  let logger: Logger

  func run() async throws {
    var emitting = configuration.emitter
    emitting.source = "/strandline/demo"
    emitting.version = Strandline.version
    settings.configure(&emitting)
    emitting.queuesTopic = configuration.queuesTopic
    emitting.queueDefault = configuration.auditDefault
    let emitter = try ActionEmitter(configuration: emitting, logger: logger.named("demo"))
    if let reload { await EmissionReload(load: reload, logger: logger) { $0.apply(to: emitter) }.start() }
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        for (index, queue) in Self.queues.enumerated() {
          guard let address = try? QueueAddress(project: DevScreen.project, queue: queue) else { continue }
          group.addTask {
            var worker = DemoWorker(number: index, random: SystemRandomNumberGenerator())
            while !Task.isCancelled {
              let (actions, pause) = worker.step()
              for action in actions { emitter.emit(action, to: address) }
              try? await Task.sleep(for: pause)
            }
          }
        }
      }
    }
    await emitter.close(flushTimeout: .seconds(2))
  }
}

/// The life of one worker, step by step; pure, so that it can be tested without waiting.
struct DemoWorker<Random: RandomNumberGenerator> {
  private enum Stage {
    case idle
    case working(claim: String, messages: [String], ttl: Int, renewals: Int)
  }

  private static var userAgents: [String] {
    ["python-zaqarclient/2.7.0", "gophercloud/v2.8.0", "strandline-demo/1.0 (swift)"]
  }
  private static var users: [(String, String)] { [("ann", "keystone"), ("build-bot", "keystone"), ("bea", "ldap")] }

  private let clientID: String
  private let userAgent: String
  private let user: Actor
  private var random: Random
  private var stage = Stage.idle

  init(number: Int, random: Random) {
    var random = random
    clientID = Self.uuid(&random)
    userAgent = Self.userAgents[number % Self.userAgents.count]
    let (name, provider) = Self.users[number % Self.users.count]
    user = Actor(username: name, authenticationProvider: provider)
    self.random = random
  }

  /// The actions of the next step, and how long to wait after it.
  mutating func step() -> (actions: [Action], pause: Duration) {
    switch stage {
    case .idle:
      let claim = Self.hexadecimal(24, &random)
      let messages = (0..<Int.random(in: 1...4, using: &random)).map { _ in Self.hexadecimal(24, &random) }
      let ttl = [60, 120, 300].randomElement(using: &random) ?? 60
      stage = .working(claim: claim, messages: messages, ttl: ttl, renewals: 0)
      let action = Action.messagesClaimed(
        claimID: claim, messageIDs: messages, ttlSeconds: ttl, graceSeconds: 60, user: user, clientID: clientID,
        userAgent: userAgent, message: "claimed \(messages.count) message\(messages.count == 1 ? "" : "s")")
      return ([action], .milliseconds(Int.random(in: 600...1_400, using: &random)))
    case .working(let claim, let messages, let ttl, let renewals):
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<2 where renewals < 2:
        stage = .working(claim: claim, messages: messages, ttl: ttl, renewals: renewals + 1)
        let action = Action.claimUpdated(
          claimID: claim, messageIDs: messages, ttlSeconds: ttl, user: user, clientID: clientID, userAgent: userAgent)
        return ([action], .milliseconds(Int.random(in: 600...1_400, using: &random)))
      case 0..<3:
        stage = .idle
        let action = Action.claimReleased(
          claimID: claim, messageIDs: messages, user: user, clientID: clientID, userAgent: userAgent)
        return ([action], .milliseconds(Int.random(in: 800...2_000, using: &random)))
      case 3:
        stage = .idle
        let action = Action.claimExpired(
          claimID: claim, messageIDs: messages, ttlSeconds: ttl, clientID: clientID, userAgent: userAgent)
        return ([action], .milliseconds(Int.random(in: 1_500...3_000, using: &random)))
      default:
        stage = .idle
        let actions = messages.map { message in
          Action.messageDeleted(
            messageID: message, claimID: claim, user: user, clientID: clientID, userAgent: userAgent)
        }
        return (actions, .milliseconds(Int.random(in: 800...2_000, using: &random)))
      }
    }
  }

  private static func hexadecimal(_ count: Int, _ random: inout Random) -> String {
    let digits = Array("0123456789abcdef")
    return String((0..<count).map { _ in digits[Int.random(in: 0..<16, using: &random)] })
  }

  private static func uuid(_ random: inout Random) -> String {
    [8, 4, 4, 4, 12].map { hexadecimal($0, &random) }.joined(separator: "-")
  }
}
