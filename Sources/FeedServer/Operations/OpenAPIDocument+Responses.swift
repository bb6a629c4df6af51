/// What requests carry, and what is answered.
extension OpenAPIDocument {
  static let contents = #"""
      requestBodies:
        NewActions:
          required: true
          content:
            application/json:
              schema:
                oneOf:
                  - $ref: "#/components/schemas/NewAction"
                  - type: array
                    minItems: 1
                    maxItems: 100
                    items: {$ref: "#/components/schemas/NewAction"}
                  - type: object
                    required: [messages]
                    additionalProperties: false
                    properties:
                      messages:
                        type: array
                        minItems: 1
                        maxItems: 100
                        items: {$ref: "#/components/schemas/NewAction"}
    \#(exchangeBodies)\#(metadataBodies)  responses:
        Page:
          description: |
            The page. It may be empty when a filter passed over more actions than one request looks at, or when all
            there is to tell is a gap.
          headers: {\#(pageHeaders)}
          content: {application/json: {schema: {$ref: "#/components/schemas/Page"}}}
        NothingThere:
          description: Nothing is there now. Ask again later with the same marker.
          headers: {\#(headerReferences("Content-Location", "Strandline-Complete-Through", "Strandline-Missing", "X-Request-Id"))}
        Action:
          description: The action
          headers: {\#(headerReferences("Content-Location", "Cache-Control", "X-Request-Id"))}
          content: {application/json: {schema: {$ref: "#/components/schemas/Action"}}}
        Queues:
          description: The queues
          headers: {\#(headerReferences("Content-Location", "Link", "Cache-Control", "X-Request-Id"))}
          content: {application/json: {schema: {$ref: "#/components/schemas/Queues"}}}
        Statistics:
          description: The statistics
          headers: {\#(headerReferences("Content-Location", "Cache-Control", "X-Request-Id"))}
          content: {application/json: {schema: {$ref: "#/components/schemas/Statistics"}}}
        Posted:
          description: Kafka has all of them.
          headers: {\#(headerReferences("Location", "X-Request-Id"))}
          content: {application/json: {schema: {$ref: "#/components/schemas/Posted"}}}
        PartlyPosted:
          description: Kafka has some of them; `items` tells which.
          headers: {\#(headerReferences("Location", "X-Request-Id"))}
          content: {application/json: {schema: {$ref: "#/components/schemas/PartlyPosted"}}}
        Counters:
          description: The counts; unbalanced_queues is 0 unless something is wrong
          content:
            application/json:
              schema:
                type: object
                properties:
                  dropped:
                    type: object
                    description: Records their queues did not want, by reason; not among the received
                    additionalProperties: {type: integer}
                additionalProperties: {type: integer}
        Text:
          description: Text, one line for each thing said
          content: {text/plain: {schema: {type: string}}}

    """#

  private static let pageHeaders = headerReferences(
    "Content-Location", "Link", "Strandline-Complete-Through", "Strandline-Lost", "Strandline-Missing",
    "Preference-Applied",
    "Cache-Control", "X-Request-Id")

  private static func headerReferences(_ names: String...) -> String {
    names.map { "\($0): {$ref: \"#/components/headers/\($0)\"}" }.joined(separator: ", ")
  }

  static let errors: String = {
    let all: [(name: String, description: String)] = [
      ("BadRequest", "A parameter, a name, a marker, an id or the content is not valid"),
      (
        "NotFound",
        "No such route, queue or action; it has expired; or the queue, or an event asked for, is not audited"
      ),
      ("Conflict", "The queue does not audit this; or a patch does not fit the metadata"),
      ("PreconditionFailed", "The metadata is not what If-Match or If-None-Match expects; see detail"),
      ("MethodNotAllowed", "See Allow"), ("NotAcceptable", "Accept leaves out application/json"),
      ("Lost", "Actions can no longer be read, and the reader asked to be stopped there; see gaps and resume"),
      ("RequestTimeout", "The request did not arrive in time"),
      ("ContentTooLarge", "The content or a body is too large"),
      ("TargetTooLong", "Path and query are too long"),
      ("UnsupportedMediaType", "Content-Type is not one the route takes; see Accept"),
      ("FieldsTooLarge", "The header fields are too large"), ("Unavailable", "See Retry-After"),
    ]
    return all.reduce(into: "") { text, response in
      text += "    \(response.name):\n      description: \(response.description)\n"
      text += "      content: {application/problem+json: {schema: {$ref: \"#/components/schemas/Problem\"}}}\n"
    }
  }()
}
