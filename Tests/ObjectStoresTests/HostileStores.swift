import CoreMetrics
import Foundation
import MetricsTestKit
import NIOHTTP1
import Synchronization

@testable import ObjectStores

/// Time that passes only when somebody waits; remembers the waits.
final class ManualTime: Sendable {
  private let state = Mutex((now: Int64(1_795_236_240), waits: [Duration]()))

  var waits: [Duration] { state.withLock { $0.waits } }

  func advance(seconds: Int64) { state.withLock { $0.now += seconds } }

  var clock: StoreClock {
    StoreClock(
      now: { WallTime(seconds: self.state.withLock { $0.now }) },
      sleep: { duration in
        self.state.withLock {
          $0.waits.append(duration)
          $0.now += duration.components.seconds
        }
      })
  }
}

/// A store in front of a hostile server.
struct Hostile<Store: ObjectStore>: Sendable {
  var store: Store
  var server: HostileServer
  var time: ManualTime
  var metrics: TestMetrics
}

var hostileLimits: ObjectStoreLimits {
  var limits = ConformanceCheck.limits
  limits.attemptsMax = 10
  return limits
}

enum HostileS3 {
  static let secret = "wJalrXUtnFEMIhunter2"

  static func run(
    options: String = "", environment more: [String: String] = [:],
    limits: ObjectStoreLimits = hostileLimits,
    _ script: @escaping HostileServer.Script, _ body: (Hostile<S3ObjectStore>) async throws -> Void
  ) async throws {
    try await HostileServer.run(script) { server in
      let environment = [
        "AWS_ENDPOINT_URL": server.address, "AWS_ACCESS_KEY_ID": "AKIDHOSTILE", "AWS_SECRET_ACCESS_KEY": secret,
      ].merging(more) { $1 }.filter { !$0.value.isEmpty }
      let (time, metrics) = (ManualTime(), TestMetrics())
      let url = "s3://bucket/p" + options
      let store = try S3ObjectStore(
        ObjectStoreConfiguration(url: url, environment: environment, limits: limits, metricsFactory: metrics),
        StoreURL(url), clock: time.clock, logger: quiet)
      do {
        try await body(Hostile(store: store, server: server, time: time, metrics: metrics))
      } catch {
        await store.close()
        throw error
      }
      await store.close()
    }
  }

  static func error(_ code: String, _ more: String = "") -> String {
    "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>m \(secret)</Message>\(more)</Error>"
  }
}

enum HostileSwift {
  static let key = "hunter2"

  struct SignIn: Sendable {
    var answer: HostileServer.Script
  }

  /// - Parameter script: For the account; the sign-in before it is answered well.
  static func run(
    environment: [String: String]? = nil, limits: ObjectStoreLimits = hostileLimits,
    signIn: SignIn? = nil,
    _ script: @escaping HostileServer.Script, _ body: (Hostile<SwiftObjectStore>) async throws -> Void
  ) async throws {
    let signIns = Mutex(0)
    let others = Mutex(0)
    let whole: HostileServer.Script = { request, _ in
      if request.path.hasPrefix("/auth") {
        let number = signIns.withLock {
          $0 += 1
          return $0
        }
        if let signIn { return signIn.answer(request, number) }
        let host = request.headers.first(name: "host") ?? ""
        return .status(
          200,
          [
            "X-Storage-Url": "http://\(host)/v1/AUTH_a", "X-Auth-Token": "token\(number)",
            "X-Auth-Token-Expires": "86400",
          ])
      }
      let number = others.withLock {
        $0 += 1
        return $0
      }
      return script(request, number)
    }
    try await HostileServer.run(whole) { server in
      let environment =
        (environment
        ?? ["ST_AUTH": "SERVER/auth/v1.0", "ST_USER": "a:b", "ST_KEY": key])
        .mapValues { $0.replacing("SERVER", with: server.address) }
      let (time, metrics) = (ManualTime(), TestMetrics())
      let url = "swift://container/p"
      let store = try SwiftObjectStore(
        ObjectStoreConfiguration(url: url, environment: environment, limits: limits, metricsFactory: metrics),
        StoreURL(url), clock: time.clock, logger: quiet)
      do {
        try await body(Hostile(store: store, server: server, time: time, metrics: metrics))
      } catch {
        await store.close()
        throw error
      }
      await store.close()
    }
  }
}

/// What a well-behaved server says of an object of this content.
func goodHead(_ text: String, swift: Bool = false, etag: String? = nil) -> HostileServer.Answer {
  let object = NewObject.text(text, at: "k")
  var headers: HTTPHeaders = [
    "Content-Length": "\(object.size)", swift ? "X-Object-Meta-Sha256" : "x-amz-meta-sha256": Hex.text(object.sha256),
  ]
  if let etag { headers.add(name: "ETag", value: etag) }
  return .status(200, headers)
}
