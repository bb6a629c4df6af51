import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import FeedServer

@Suite struct OperationsTests {
  @Test func `a ready node says so in every form`() async throws {
    let feed = try Feed()
    try await feed.test(.live) { client async throws in
      let ping = try await client.get("/ping")
      #expect(ping.status == .noContent)
      #expect(ping.field("Content-Length") == nil)
      #expect(try await client.send(.head, "/ping").status == .noContent)
      #expect(try await client.get("/livez").text == "ok\n")
      #expect(try await client.get("/readyz").text == "ok\n")
      #expect(try await client.get("/readyz?verbose").text == "[+]store ok\n[+]shutdown ok\nreadyz check passed\n")
    }
  }

  @Test func `a node that is not ready says what is missing, and lives`() async throws {
    let feed = try Feed()
    feed.readiness.set([
      ReadinessCheck(name: "kafka", isReady: false, detail: "no broker reachable\nfor 12 s"),
      ReadinessCheck(name: "store", isReady: true),
    ])
    try await feed.test { client async throws in
      let ping = try await client.get("/ping")
      #expect(ping.status == .serviceUnavailable)
      #expect(ping.field("Retry-After") != nil)
      for uri in ["/readyz", "/readyz?verbose"] {
        let answer = try await client.get(uri)
        #expect(answer.status == .serviceUnavailable)
        #expect(
          answer.text == "[-]kafka failed: no broker reachable for 12 s\n[+]store ok\n[+]shutdown ok\n"
            + "readyz check failed\n")
      }
      #expect(try await client.get("/livez").status == .ok)
    }
  }

  @Test func `metrics count requests by route and code, never by path`() async throws {
    let feed = try Feed()
    try feed.append()
    try await feed.test(.live) { client async throws in
      _ = try await client.get("/v1/p/queues/secret-name/actions")
      _ = try await client.get("/v1/p/queues/q/actions")
      _ = try await client.get("/v1/p/queues/q/actions?limit=0")
      _ = try await client.get("/nowhere")
      let answer = try await client.get("/metrics")
      #expect(answer.field("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
      let name = "strandline_http_request_duration_seconds"
      let lines = answer.text.split(separator: "\n").map(String.init)
      #expect(lines.contains("# TYPE \(name) histogram"))
      let route = FeedRoute.actions.rawValue
      for code in [200, 204, 400] {
        #expect(lines.contains("\(name)_count{code=\"\(code)\",route=\"\(route)\"} 1"))
        #expect(lines.contains("\(name)_bucket{code=\"\(code)\",route=\"\(route)\",le=\"+Inf\"} 1"))
      }
      #expect(lines.contains("\(name)_count{code=\"404\",route=\"none\"} 1"))
      #expect(!answer.text.contains("secret-name"))
    }
  }

  @Test func `with a management port each port has its own routes`() async throws {
    let feed = try Feed()
    try await feed.test(routes: .feed) { client async throws in
      for uri in ["/livez", "/readyz", "/metrics"] { #expect(try await client.get(uri).status == .notFound) }
      #expect(try await client.get("/ping").status == .noContent)
      #expect(try await client.get("/openapi.yaml").status == .ok)
      #expect(try await client.get("/v1/p/queues/q/actions").status == .noContent)
    }
    try await feed.test(routes: .management) { client async throws in
      for uri in ["/livez", "/readyz", "/metrics", "/openapi.yaml"] {
        #expect(try await client.get(uri).status == .ok)
      }
      #expect(try await client.get("/v1/p/queues/q/actions").status == .notFound)
      #expect(try await client.post("/v1/p/queues/q/actions", "{}").status == .notFound)
    }
  }
}
