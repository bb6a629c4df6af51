import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1

/// The way in through Hummingbird: every route.
struct FeedResponder: HTTPResponder {
  typealias Context = BasicRequestContext

  let core: FeedCore

  func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
    let start = NIODeadline.now()
    let facts = FeedRequest(request.head)
    let answer: FeedAnswer
    let route: FeedRoute?
    switch core.begin(facts) {
    case .answer(let given, let known):
      (answer, route) = (given, known)
    case .post(let queue):
      route = .actions
      let bytesMax = PostResponder.contentBytesMax
      answer = try await collect(request, facts, upTo: bytesMax, else: .postTooLarge) { content in
        await core.post(content, to: queue, facts)
      }
    case .change(let queue):
      route = .queue
      let bytesMax = MetadataResponder.contentBytesMax
      answer = try await collect(request, facts, upTo: bytesMax, else: .metadataTooLarge(closes: true)) { content in
        await core.change(content, of: queue, facts)
      }
    case .exchange(let exchange, let known):
      route = known
      answer = await self.answer(exchange, request, facts)
    }
    core.metrics.record(
      route: route, code: answer.status, nanoseconds: (NIODeadline.now() - start).nanoseconds)
    return Response(answer)
  }

  private func answer(_ exchange: SourceExchange, _ request: Request, _ facts: FeedRequest) async -> FeedAnswer {
    guard core.budget.reserve(exchange.bytesMax) else { return core.refuse(.overloaded, facts) }
    defer { core.budget.release(exchange.bytesMax) }
    guard exchange.readsContent else { return await core.exchange(exchange, ByteBuffer(), facts) }
    do {
      return await core.exchange(exchange, try await request.body.collect(upTo: exchange.bytesMax), facts)
    } catch is NIOTooManyBytesError {
      return core.refuse(.contentTooLarge(bytesMax: exchange.bytesMax), facts)
    } catch {
      // The connection ended before the content had: nobody reads the answer.
      return core.refuse(.malformed, facts)
    }
  }

  /// Answers once the content is here, as far as there is room for it.
  private func collect(
    _ request: Request, _ facts: FeedRequest, upTo bytesMax: Int, else tooLarge: Problem,
    _ answer: (ByteBuffer) async -> FeedAnswer
  ) async throws -> FeedAnswer {
    let reserved = min(facts.contentLength ?? bytesMax, bytesMax)
    guard core.budget.reserve(reserved) else { return core.refuse(.overloaded, facts) }
    defer { core.budget.release(reserved) }
    do {
      return await answer(try await request.body.collect(upTo: bytesMax))
    } catch is NIOTooManyBytesError {
      return core.refuse(tooLarge, facts)
    }
  }
}

extension FeedRequest {
  init(_ head: HTTPRequest) {
    self.init(
      method: head.method.rawValue, target: head.path ?? "", accept: head.headerFields[.accept],
      project: Self.projectName.flatMap { head.headerFields[$0] },
      prefer: Self.preferName.flatMap { head.headerFields[$0] },
      ifMatch: head.headerFields[.ifMatch], ifNoneMatch: head.headerFields[.ifNoneMatch],
      contentType: head.headerFields[.contentType],
      contentEncoding: head.headerFields[.contentEncoding],
      contentLength: head.headerFields[.contentLength].flatMap { Int($0) },
      requestID: RequestID.make(from: Self.requestIDName.flatMap { head.headerFields[$0] }))
  }

  private static let projectName = HTTPField.Name("X-Project-ID")
  private static let preferName = HTTPField.Name("Prefer")
  private static let requestIDName = HTTPField.Name("X-Request-Id")
}

extension Response {
  init(_ answer: FeedAnswer) {
    var fields = HTTPFields()
    for (name, value) in answer.fields {
      if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
    }
    if let body = answer.body {
      self.init(status: .init(code: answer.status), headers: fields, body: .init(byteBuffer: body))
    } else {
      self.init(status: .init(code: answer.status), headers: fields)
      // Hummingbird writes the length of an empty body; a 204 has none, and HEAD tells that of the GET.
      if !answer.fields.contains(where: { $0.name == "Content-Length" }) { headers[.contentLength] = nil }
    }
  }
}
