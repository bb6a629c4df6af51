/// The description of the API, served from the binary. Tests hold it against ``FeedRoute``, and parse it.
///
/// YAML without merge keys: many readers of OpenAPI do not know them. What several operations share is in
/// `components`, or one of the lines below.
enum OpenAPIDocument {
  static let text =
    head + actions + metadata + sources + aliases + metadataAlias + operations + parameters + schemas
    + metadataSchemas + sourceSchemas + exchangeSchemas + contents + metadataContents + sourceContents
    + exchangeContents + errors

  private static let head = #"""
    openapi: 3.1.0
    info:
      title: Strandline action feed
      version: "1"
      description: |
        Actions of queue workers that nobody could otherwise observe, oldest first, page by page, for as long as their
        time to live. Follow `next` to read on: it is given with every page, the last one too, and asked again later it
        gives what came since. Ids and markers are opaque; take both from the answers as they are.

        What can no longer be read between a marker and the first action of a page is told: `gaps` in the page, and the
        header `Strandline-Lost`; numbers of sources that have not come: `missing` and `Strandline-Missing`. With `Prefer: handling=strict` a gap is a 410. Answers carry
        `Strandline-Complete-Through`; a node that cannot vouch for an empty page answers 503.

        Every answer carries `X-Request-Id`: the client's own, when it has 1 to 128 characters out of
        `A-Z a-z 0-9 - . _ ~ + / : = @`, else one made here. Errors are `application/problem+json` (RFC 9457).

        Paths with `/v1/queues/…` are aliases of `/v1/{project}/queues/…` that take the project from `X-Project-ID`, as
        Zaqar's clients send it.
      license:
        name: Apache-2.0
        identifier: Apache-2.0
    servers:
      - url: /

    """#

  private static let pageParameters =
    parameterReferences("marker", "limit", "event", "ids", "prefer", "echo", "include_claimed", "include_delayed")
  private static let pageResponses = responseReferences(
    "200 Page", "204 NothingThere", "400 BadRequest", "404 NotFound", "405 MethodNotAllowed", "406 NotAcceptable",
    "410 Lost", "414 TargetTooLong", "431 FieldsTooLarge", "503 Unavailable")
  private static let postResponses = responseReferences(
    "201 Posted", "207 PartlyPosted", "400 BadRequest", "406 NotAcceptable", "408 RequestTimeout", "409 Conflict",
    "413 ContentTooLarge", "415 UnsupportedMediaType", "503 Unavailable")
  private static let actionResponses = responseReferences(
    "200 Action", "400 BadRequest", "404 NotFound", "405 MethodNotAllowed", "406 NotAcceptable", "503 Unavailable")
  private static let queuesResponses = responseReferences(
    "200 Queues", "204 NothingThere", "400 BadRequest", "405 MethodNotAllowed", "406 NotAcceptable", "503 Unavailable")
  private static let statisticsResponses = responseReferences(
    "200 Statistics", "400 BadRequest", "404 NotFound", "405 MethodNotAllowed", "406 NotAcceptable",
    "503 Unavailable")

  private static func parameterReferences(_ names: String...) -> String {
    "[" + names.map { "{$ref: \"#/components/parameters/\($0)\"}" }.joined(separator: ", ") + "]"
  }

  /// - Parameter responses: each a code and the name of a response, divided by a space.
  private static func responseReferences(_ responses: String...) -> String {
    let entries = responses.map { response in
      "\"\(response.prefix(3))\": {$ref: \"#/components/responses/\(response.dropFirst(4))\"}"
    }
    return "{" + entries.joined(separator: ", ") + "}"
  }

  private static let actions = """
    paths:
      /v1/{project}/queues/{queue}/actions:
        parameters: \(parameterReferences("project", "queue"))
        get:
          operationId: readPage
          summary: A page of actions, oldest first; or single actions by `ids`
          parameters: \(pageParameters)
          responses: \(pageResponses)
        head:
          operationId: headPage
          summary: As GET, without the body
          parameters: \(pageParameters)
          responses: \(pageResponses)
        post:
          operationId: postActions
          summary: Emit one action, or up to 100
          description: |
            All actions are checked before any is sent. They are answered for once Kafka has acknowledged them all, and
            can be read a moment later. The content has at most 8,388,608 bytes, a body at most 262,144.
          requestBody: {$ref: "#/components/requestBodies/NewActions"}
          responses: \(postResponses)
      /v1/{project}/queues/{queue}/actions/{id}:
        parameters: \(parameterReferences("project", "queue", "id"))
        get:
          operationId: readAction
          summary: One action
          responses: \(actionResponses)
        head:
          operationId: headAction
          summary: As GET, without the body
          responses: \(actionResponses)
      /v1/{project}/queues:
        parameters: \(parameterReferences("project"))
        get:
          operationId: listQueues
          summary: The queues of a project, by name
          parameters: \(parameterReferences("queueMarker", "limit"))
          responses: \(queuesResponses)
        head:
          operationId: headQueues
          summary: As GET, without the body
          parameters: \(parameterReferences("queueMarker", "limit"))
          responses: \(queuesResponses)
      /v1/{project}/queues/{queue}/stats:
        parameters: \(parameterReferences("project", "queue"))
        get:
          operationId: readStatistics
          summary: Counts of a queue's actions, the oldest and the newest
          responses: \(statisticsResponses)
        head:
          operationId: headStatistics
          summary: As GET, without the body
          responses: \(statisticsResponses)

    """

  private static let aliases = """
      /v1/queues/{queue}/actions:
        parameters: \(parameterReferences("projectHeader", "queue"))
        get:
          operationId: readPageByAlias
          summary: A page of actions, oldest first; or single actions by `ids` (alias)
          parameters: \(pageParameters)
          responses: \(pageResponses)
        head:
          operationId: headPageByAlias
          summary: As GET, without the body
          parameters: \(pageParameters)
          responses: \(pageResponses)
        post:
          operationId: postActionsByAlias
          summary: Emit one action, or up to 100 (alias)
          description: |
            All actions are checked before any is sent. They are answered for once Kafka has acknowledged them all, and
            can be read a moment later. The content has at most 8,388,608 bytes, a body at most 262,144.
          requestBody: {$ref: "#/components/requestBodies/NewActions"}
          responses: \(postResponses)
      /v1/queues/{queue}/actions/{id}:
        parameters: \(parameterReferences("projectHeader", "queue", "id"))
        get:
          operationId: readActionByAlias
          summary: One action (alias)
          responses: \(actionResponses)
        head:
          operationId: headActionByAlias
          summary: As GET, without the body
          responses: \(actionResponses)
      /v1/queues:
        parameters: \(parameterReferences("projectHeader"))
        get:
          operationId: listQueuesByAlias
          summary: The queues of a project, by name (alias)
          parameters: \(parameterReferences("queueMarker", "limit"))
          responses: \(queuesResponses)
        head:
          operationId: headQueuesByAlias
          summary: As GET, without the body
          parameters: \(parameterReferences("queueMarker", "limit"))
          responses: \(queuesResponses)
      /v1/queues/{queue}/stats:
        parameters: \(parameterReferences("projectHeader", "queue"))
        get:
          operationId: readStatisticsByAlias
          summary: Counts of a queue's actions, the oldest and the newest (alias)
          responses: \(statisticsResponses)
        head:
          operationId: headStatisticsByAlias
          summary: As GET, without the body
          responses: \(statisticsResponses)

    """

  private static let operations = """
      /ping:
        get:
          operationId: getPing
          summary: 204 when the node can serve, else 503
          responses:
            "204": {description: Ready}
            "503": {$ref: "#/components/responses/Unavailable"}
        head:
          operationId: headPing
          summary: As GET, without the body
          responses:
            "204": {description: Ready}
            "503": {$ref: "#/components/responses/Unavailable"}
      /livez:
        get:
          operationId: getLiveness
          summary: Whether the process answers
          responses:
            "200": {$ref: "#/components/responses/Text"}
        head:
          operationId: headLiveness
          summary: As GET, without the body
          responses:
            "200": {$ref: "#/components/responses/Text"}
      /readyz:
        get:
          operationId: getReadiness
          summary: Whether requests should be sent here
          parameters: \(parameterReferences("verbose"))
          responses:
            "200": {$ref: "#/components/responses/Text"}
            "503": {$ref: "#/components/responses/Text"}
        head:
          operationId: headReadiness
          summary: As GET, without the body
          parameters: \(parameterReferences("verbose"))
          responses:
            "200": {$ref: "#/components/responses/Text"}
            "503": {$ref: "#/components/responses/Text"}
      /metrics:
        get:
          operationId: getMetrics
          summary: Metrics as Prometheus text, version 0.0.4
          responses:
            "200": {$ref: "#/components/responses/Text"}
        head:
          operationId: headMetrics
          summary: As GET, without the body
          responses:
            "200": {$ref: "#/components/responses/Text"}
      /counters:
        get:
          operationId: getCounters
          summary: What became of every record read, over all queues
          responses:
            "200": {$ref: "#/components/responses/Counters"}
        head:
          operationId: headCounters
          summary: As GET, without the body
          responses:
            "200": {$ref: "#/components/responses/Counters"}
      /openapi.yaml:
        get:
          operationId: getOpenAPI
          summary: This description
          responses:
            "200":
              description: OpenAPI 3.1
              content: {application/yaml: {schema: {type: string}}}
        head:
          operationId: headOpenAPI
          summary: As GET, without the body
          responses:
            "200":
              description: OpenAPI 3.1
              content: {application/yaml: {schema: {type: string}}}

    """
}
