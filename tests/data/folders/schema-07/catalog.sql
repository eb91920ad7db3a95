BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'initial','2026-11-30 22:35:23',1,X'FCA7E8B3C7B6924DCF9FBB1BBA380A70C5D53B69B5AF499E0D933C17A1CBC6D20B99D083AD7E53715C5565074A7CC311',3683839);
INSERT INTO "_sqlx_migrations" VALUES(2,'assertions','2026-11-30 22:35:23',1,X'A18297CC9E61BDAF6E41CB0D071E0CB34BED91EE216B9BDD29A82A1ACD89903553E135846A7F79223853908419057776',980146);
INSERT INTO "_sqlx_migrations" VALUES(3,'outbox','2026-11-30 22:35:23',1,X'360E1E1A4F9A5266498FB28F59FAEE1CB7D250D3BFB50AE9BBB6BE9476926CF09D52A7A7D7BC6CEA68D8FA27D413E9B9',3506679);
INSERT INTO "_sqlx_migrations" VALUES(4,'text parts','2026-11-30 22:35:23',1,X'541B11F998AFEDB9FE39DD83A4D06C4AD0FA027CA5E61E70CDB6567EAC46B4B379AB85ABD2F9A885D7A34F4D5CA5A2B4',4035967);
INSERT INTO "_sqlx_migrations" VALUES(5,'vectors','2026-11-30 22:35:23',1,X'3081DCEF121E94D99EA8E84D11533055A41B8426169BD6540183BA2FA17790172AB7E37ECE86447CBDC6D0A0847B9AC9',580644);
INSERT INTO "_sqlx_migrations" VALUES(6,'replicas','2026-11-30 22:35:23',1,X'2355E78F91AC5F37ACE870B4CC4FE475A6C837292CE6FF5C9E852995A670DFD78B1997A661586552296BBDE9DCBF4DF8',872827);
INSERT INTO "_sqlx_migrations" VALUES(7,'generations','2026-11-30 22:35:23',1,X'94C0592FE0A426C3355D517DA58256655FDA747F85F47AB056BBC84BA5B022F6A67D9310D1446573F855A88E22772E12',1031563);
CREATE TABLE assertions (
    store TEXT NOT NULL,
    model TEXT NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (store, model)
) WITHOUT ROWID;
INSERT INTO "assertions" VALUES('01M8Q9JFVEPJC0X1B2DANVBH07','01M8Q9JFWDJEKZQVSGM10P7G91','[{"tuple_key":{"object":"ticket:1","relation":"reader","user":"user:ann"},"expectation":true,"contextual_tuples":[],"context":null}]');
CREATE TABLE chunks (
    collection   BIGINT NOT NULL,
    ordinal      BIGINT NOT NULL,
    document     BIGINT NOT NULL,
    version      BIGINT NOT NULL,
    number       BIGINT NOT NULL,
    start_byte   BIGINT NOT NULL,
    end_byte     BIGINT NOT NULL,
    heading_path TEXT NOT NULL,
    page         BIGINT,
    content_hash BLOB NOT NULL,
    -- The public name of the chunk: a keyed hash, never used for two texts.
    chunk_key    BLOB NOT NULL, vector BLOB, vector_odd BLOB,
    PRIMARY KEY (collection, ordinal)
) WITHOUT ROWID;
INSERT INTO "chunks" VALUES(1,3,0,2,0,0,39,'[]',NULL,X'9905250AB68CF0EA1404C424B047C9799167D33E7079C4FBB0299F452982457C',X'792A6B9FC4DC19DC99EE4217190A6EBC',NULL,NULL);
INSERT INTO "chunks" VALUES(1,4,3,1,0,0,29,'[]',NULL,X'7AF71071515341F2A2AD6D68E68568BAB153F6E13FDA7DCD2ECE6A67333B12E2',X'EBCF15581DB83CD061C02854BC3FAD7F',NULL,NULL);
INSERT INTO "chunks" VALUES(1,5,4,1,0,0,47,'[]',NULL,X'3F91CCC15288951C1B11A179F065A47597C67D6E82BEC248060FFE19D9BF0A23',X'FDB2B7F7A2025E23BDA4913155341E9C',NULL,NULL);
INSERT INTO "chunks" VALUES(1,6,5,1,0,0,54,'[]',NULL,X'5105AC65234A52926F69D44E9950CE923970E1D0074146D1F1436D8DE784B1F6',X'875EE28560E157CC1A27D317A75C13F9',NULL,NULL);
INSERT INTO "chunks" VALUES(1,7,5,1,1,56,128,'["Überblick"]',NULL,X'F44863159BED49AAE39FC615B4BB798C08A129145163B604121787156AF697AC',X'60391B3031BEFA3E5B09935A4D5C2BFD',NULL,NULL);
INSERT INTO "chunks" VALUES(1,8,5,1,2,130,207,'["Überblick","Vergütung"]',NULL,X'3CCD225F8834FB80CD468D3F136F850576A23CF019A0D423872A787BAE022FD8',X'B3F2A24E6C382DCADFE3028309BD44BB',NULL,NULL);
INSERT INTO "chunks" VALUES(1,9,5,1,3,209,270,'["Überblick","Ausgang"]',NULL,X'A85AA0A6329F345D5A3D7E331776BEA7AE623F1DFCB09D3F2983C91E251DDC56',X'67824DA18AC59862AAD5ADE9D8CF539D',NULL,NULL);
INSERT INTO "chunks" VALUES(1,10,5,1,4,272,345,'["Überblick","Ausgang","Beschluss"]',NULL,X'3CFD2B3F545BB59F4F8E74D9EEC3475426B874A20A30D971E96ECCE47B77BA5C',X'657D1EB696E7B5C749EF355BDEDA7FA0',NULL,NULL);
INSERT INTO "chunks" VALUES(1,11,6,1,0,0,37,'[]',NULL,X'DFD4AA9FF4A7D070CA6B5C0B81F8A860B0D770591C333E6ADC573CBCD446D30B',X'B533B64B8F8B974DDD034654C6D687FA',NULL,NULL);
INSERT INTO "chunks" VALUES(1,12,7,1,0,0,40,'[]',NULL,X'7643A93C438D4564B56D1B88DEE1B326B9FB1D30EFD3F0FCA442ACD5923E2455',X'BE43FF75D1B5E415D20BB94FFC79124E',NULL,NULL);
INSERT INTO "chunks" VALUES(1,13,8,1,0,0,30,'[]',NULL,X'EFBFEA9C57C848B5234F030B072F868E0F492CD04DEEBFCAEEF37F7C2862D146',X'A928C7F6DA60881A43270B680379EB5C',NULL,NULL);
INSERT INTO "chunks" VALUES(1,14,9,1,0,0,57,'[]',NULL,X'77CCCB96220071D5FCA5EA9CCEC49439F17D9B4CA103A62EFA4B9518B1BA4E7D',X'1EFC2F216BB5CEB0984DE7EB52D1DEB3',NULL,NULL);
INSERT INTO "chunks" VALUES(1,15,10,2,0,0,46,'[]',NULL,X'EF5883632FAD652060B30A9146A7AA957A4699BC209CB0D6908E4FE45F31DA94',X'AD3E2EB32FEE8F46FF3C6CB9C039D03F',NULL,NULL);
INSERT INTO "chunks" VALUES(1,16,11,1,0,0,46,'[]',NULL,X'23724ACEAB0B6F3A194046EB8CA8917A79E261547E770B929301346BB741227E',X'61492DB4539839A69222AC23AA6F5B05',NULL,NULL);
INSERT INTO "chunks" VALUES(1,17,12,1,0,0,25,'["Tilde"]',NULL,X'E0E36F6ABB5F3F89142782AF034A2497A390B61FFA1CFC46E6C2CC9F2D0FBE71',X'C6CD88AB6B9ED4532118548194B08229',NULL,NULL);
INSERT INTO "chunks" VALUES(1,18,12,1,1,27,62,'["Part"]',NULL,X'2BA73EBD6402AA12D50B1A52EB6050135E4E14131FAB59AC2A7AAAB98052628E',X'083AA0E59D1CC55D4136B5E0DF7A326E',NULL,NULL);
INSERT INTO "chunks" VALUES(1,19,13,1,0,0,32,'["Long"]',NULL,X'ADC4FFBAAAF942CB711CDC66CF9B948D05BA172FB1BE8268D06C17B205603A2B',X'E19B92D7CE5674A989D85A188D031AD6',NULL,NULL);
INSERT INTO "chunks" VALUES(1,20,13,1,1,34,68,'["Part"]',NULL,X'C4540C9D85658987D5E0F038499A438B0186325AEC5BFE2FEA4DDF73A5C12AE0',X'B1B72DA2EF8344F7C57A4106538A4D44',NULL,NULL);
INSERT INTO "chunks" VALUES(1,21,14,1,0,0,22,'["Handbook of the yard"]',NULL,X'181E56A805196A82938439C5198D7040666C5EE79787B3E3689DC56D2EAE0F59',X'FAB52CF8D9160338EE577B399A9AD47E',NULL,NULL);
INSERT INTO "chunks" VALUES(1,22,14,1,1,24,382,'["Handbook of the yard","Step 1"]',NULL,X'5DC92FF79A33FF154D56D7B2EC7928B7DD1F20641209D2A445E1778EAEECC595',X'2A83D7C35B71FD9F02064AF3984D82FF',NULL,NULL);
INSERT INTO "chunks" VALUES(1,23,14,1,2,385,743,'["Handbook of the yard","Step 2"]',NULL,X'D16770AB21064032E613E26B2704306FF6D65B735072619A1DB118610E774B77',X'C3D03D6D3C926964F87553624FECB5CF',NULL,NULL);
INSERT INTO "chunks" VALUES(1,24,14,1,3,746,1104,'["Handbook of the yard","Step 3"]',NULL,X'B3D3CBBBD3611860FE4BC0A2F51B5770AAF35BB57677C22B1E578A72675D54E6',X'74745D20FF4C93C997F9C9E7BAA45583',NULL,NULL);
INSERT INTO "chunks" VALUES(1,25,14,1,4,1107,1465,'["Handbook of the yard","Step 4"]',NULL,X'D92B711013E37FA40F23EA5E6A47F27CF7CBBA0B8957DE911ED8931EE7B1AC2A',X'4C02ABB985953743CB7F2882EAFAD193',NULL,NULL);
INSERT INTO "chunks" VALUES(2,0,0,1,0,0,79,'[]',NULL,X'7464A5CE782956B783A6737AE175D69085876C58AE2F02553658FA5959F7F494',X'878E824E045FAFDF524FE44781D73237',NULL,NULL);
INSERT INTO "chunks" VALUES(2,1,1,1,0,0,56,'[]',NULL,X'8479F2E5EAC04BE0CE9AD1F50A8C94E13874925AEDBC9067AF76F1F331C01D24',X'F26B3D058CE5EFC3DBBD74271627FBFF',NULL,NULL);
INSERT INTO "chunks" VALUES(3,0,0,1,0,0,52,'[]',NULL,X'43EF65F0C0195E2521FF7974E2FEDD27F70C86563A8D1173C0A50DE804CE74C5',X'C7435536C3D012DFB32D4422F0A35105',NULL,NULL);
CREATE TABLE collections (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    settings   TEXT NOT NULL,
    created_at TEXT NOT NULL
);
INSERT INTO "collections" VALUES(1,'main','{"embedder":"hash-v1","dimensions":384,"analyser":"english","store":"01M8Q9JEBDBHT0QWGYR0PE5AK8","object_type":"document","section_type":"section","relation":"can_view","default_acl":null,"fields":{},"caller_context":[],"generations":{"current":0,"last":0}}','2026-11-30T22:35:23.422190887Z');
INSERT INTO "collections" VALUES(2,'handbuch','{"embedder":"hash-v1","dimensions":384,"analyser":"german","store":"01M8Q9JEBDBHT0QWGYR0PE5AK8","object_type":"document","section_type":"section","relation":"can_view","default_acl":{"viewers":["group:staff#member"]},"fields":{"final":"bool","since":"time","tags":"keywords","team":"keyword","year":"number"},"caller_context":["region"],"generations":{"current":0,"last":0}}','2026-11-30T22:35:24.79646935Z');
INSERT INTO "collections" VALUES(3,'branch','{"embedder":"hash-v1","dimensions":384,"analyser":"simple","store":"01M8Q9JFVEPJC0X1B2DANVBH07","object_type":"document","section_type":"section","relation":"can_view","default_acl":null,"fields":{},"caller_context":[],"generations":{"current":0,"last":0}}','2026-11-30T22:35:24.954318168Z');
CREATE TABLE commits (
    revision     BIGINT PRIMARY KEY,
    origin       BLOB NOT NULL,
    committed_at TEXT NOT NULL,
    changes      TEXT NOT NULL
);
CREATE TABLE document_versions (
    collection BIGINT NOT NULL,
    id         TEXT NOT NULL,
    version    BIGINT NOT NULL,
    PRIMARY KEY (collection, id)
) WITHOUT ROWID;
INSERT INTO "document_versions" VALUES(1,'hr/bonus.md',1);
INSERT INTO "document_versions" VALUES(1,'hr/cases.md',1);
INSERT INTO "document_versions" VALUES(1,'hr/gone.md',1);
INSERT INTO "document_versions" VALUES(1,'hr/leave.md',2);
INSERT INTO "document_versions" VALUES(1,'hr/pay.md',1);
INSERT INTO "document_versions" VALUES(1,'hr/window.md',1);
INSERT INTO "document_versions" VALUES(1,'wiki/again.md',2);
INSERT INTO "document_versions" VALUES(1,'wiki/a~b c.md',1);
INSERT INTO "document_versions" VALUES(1,'wiki/byhand.md',1);
INSERT INTO "document_versions" VALUES(1,'wiki/canteen.md',1);
INSERT INTO "document_versions" VALUES(1,'wiki/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/name.md',1);
INSERT INTO "document_versions" VALUES(1,'wiki/quarantine.md',1);
INSERT INTO "document_versions" VALUES(1,'wiki/yard.md',1);
INSERT INTO "document_versions" VALUES(1,'wiki/Übersicht.md',1);
INSERT INTO "document_versions" VALUES(2,'regeln/reise.md',1);
INSERT INTO "document_versions" VALUES(2,'regeln/urlaub.md',1);
INSERT INTO "document_versions" VALUES(3,'hr/leave.md',1);
CREATE TABLE documents (
    collection     BIGINT NOT NULL,
    ordinal        BIGINT NOT NULL,
    id             TEXT NOT NULL,
    source         TEXT NOT NULL,
    version        BIGINT NOT NULL,
    title          TEXT NOT NULL,
    url            TEXT,
    media_type     TEXT NOT NULL,
    metadata       TEXT NOT NULL,
    content_digest TEXT NOT NULL,
    acl_digest     TEXT NOT NULL,
    source_hash    TEXT,
    source_version BIGINT,
    first_chunk    BIGINT NOT NULL,
    chunk_count    BIGINT NOT NULL,
    sections       TEXT NOT NULL,
    -- The rules as they were last sent, for document and sections.
    rules          TEXT NOT NULL,
    -- Tuples as the source's rules last gave them: the middle of the three-way difference.
    source_tuples  TEXT NOT NULL,
    parked         BIGINT NOT NULL,
    expires_at     TEXT,
    updated_at     TEXT NOT NULL, awaits_rules BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (collection, ordinal)
);
INSERT INTO "documents" VALUES(1,0,'hr/leave.md','hr',2,'Leave','https://intranet.example/leave','text/markdown','{"team":"people"}','71d2774ea2b29a7171294c56187c99f4dd6d2636e0d991122325c05083f458d3','d1e42ff2e0a9f6a65bb7722976b3e91c2d326a4d3316a4256348a504470464c8','abababababababababababababababababababababababababababababababab',2,3,1,'[]','{"acl":{"viewers":["group:staff#member"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:hr/leave.md"},{"user":"group:staff#member","relation":"viewer","object":"document:hr/leave.md"}]',0,NULL,'2026-11-30T22:35:25.444241126Z',0);
INSERT INTO "documents" VALUES(1,3,'hr/pay.md','hr',1,'pay.md',NULL,'text/markdown','{}','942b1b8983aee9ea7ed9e1638cb915746a0198cad0353f1c5cbfa83f57ef3d45','60155eb7a90a5a54073fcf1e8042cafc3746af7dec489aec179c756d84bcd4d1',NULL,NULL,4,1,'[]','{"acl":{"parents":["folder:hr"],"inherit":true,"blocked":["user:eve"],"classification":"classification:confidential"},"sections":[]}','[{"user":"user:eve","relation":"blocked","object":"document:hr/pay.md"},{"user":"classification:confidential","relation":"classification","object":"document:hr/pay.md"},{"user":"folder:hr","relation":"inherits","object":"document:hr/pay.md"},{"user":"folder:hr","relation":"parent","object":"document:hr/pay.md"}]',0,NULL,'2026-11-30T22:35:25.528803625Z',0);
INSERT INTO "documents" VALUES(1,4,'hr/bonus.md','hr',1,'bonus.md',NULL,'text/markdown','{}','c45a1832782c7b8f3d5286c8e582f5c1536ff268dba762f43f656437d94be1d7','29ce9b7ebfb59d3400858a598620cb36005de0d63dc44cae4c8626c46b95dd29',NULL,NULL,5,1,'[]','{"acl":{"all_of":[["group:hr#member"],["group:board#member","user:eva%40example.org"]]},"sections":[]}','[{"user":"group:board#member","relation":"a","object":"clause:b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d"},{"user":"user:eva%40example.org","relation":"a","object":"clause:b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d"},{"user":"group:hr#member","relation":"b","object":"clause:b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d"},{"user":"classification:open","relation":"classification","object":"document:hr/bonus.md"},{"user":"clause:b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d#member","relation":"viewer","object":"document:hr/bonus.md"}]',0,NULL,'2026-11-30T22:35:25.6049539Z',0);
INSERT INTO "documents" VALUES(1,5,'hr/cases.md','hr',1,'Fälle',NULL,'text/markdown','{"team":"people","year":2024}','78f74a2cb5b58361eade11cf71c46bb5f195f5b79392a78f8e5977016d24eb87','e6e8437f34d3afb6001e332ba567a42c2ebcd2e4c0003e693b13d464c884c4e3',NULL,NULL,6,5,'[{"id":"pay","first":2,"count":1,"start":130,"end":209},{"id":"decision","first":4,"count":1,"start":272,"end":346}]','{"acl":{"parents":["folder:hr"],"viewers":["group:staff#member","user:Ada%40Example.org"]},"sections":[["pay",{"viewers":["group:hr#member","user:Ada%40Example.org"],"blocked":["user:eve"]}],["decision",{"nobody":true}]]}','[{"user":"classification:open","relation":"classification","object":"document:hr/cases.md"},{"user":"folder:hr","relation":"parent","object":"document:hr/cases.md"},{"user":"group:staff#member","relation":"viewer","object":"document:hr/cases.md"},{"user":"user:Ada%40Example.org","relation":"viewer","object":"document:hr/cases.md"},{"user":"document:hr/cases.md","relation":"document","object":"section:hr/cases.md~decision"},{"user":"user:eve","relation":"blocked","object":"section:hr/cases.md~pay"},{"user":"document:hr/cases.md","relation":"document","object":"section:hr/cases.md~pay"},{"user":"group:hr#member","relation":"viewer","object":"section:hr/cases.md~pay"},{"user":"user:Ada%40Example.org","relation":"viewer","object":"section:hr/cases.md~pay"}]',0,NULL,'2026-11-30T22:35:25.686074653Z',0);
INSERT INTO "documents" VALUES(1,6,'hr/window.md','hr',1,'window.md',NULL,'text/markdown','{}','bd05737955a365c9f28745e56d1f51756a1157de59230fb6a2f8eaf830d1e45e','dbc14a3e12b9882a213aebe963d89dc3ee7ad9221cf61dd087675d24d0443903',NULL,NULL,11,1,'[]','{"acl":{"viewers":[{"principal":"user:Ada%40Example.org","condition":{"name":"during","context":{"start":"2000-01-01T00:00:00Z","end":"2999-01-01T00:00:00Z"}}},{"principal":"user:zoe","condition":{"name":"during","context":{"start":"2000-01-01T00:00:00Z","end":"2001-01-01T00:00:00Z"}}}]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:hr/window.md"},{"user":"user:Ada%40Example.org","relation":"viewer","object":"document:hr/window.md","condition":{"name":"during","context":{"start":"2000-01-01T00:00:00Z","end":"2999-01-01T00:00:00Z"}}},{"user":"user:zoe","relation":"viewer","object":"document:hr/window.md","condition":{"name":"during","context":{"start":"2000-01-01T00:00:00Z","end":"2001-01-01T00:00:00Z"}}}]',0,NULL,'2026-11-30T22:35:25.761124651Z',0);
INSERT INTO "documents" VALUES(1,7,'wiki/canteen.md','wiki',1,'Canteen',NULL,'text/markdown','{}','aa7a8123f6671dc3e54c29a9420eb6bd8b2f69a250317a4a6976047927a410dd','c373a9f22814b15c68abe09e2721ea1777ac0ec6ab9748f2400fb8ee9c22da8b',NULL,NULL,12,1,'[]','{"acl":{"viewers":["user:*"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/canteen.md"},{"user":"user:*","relation":"viewer","object":"document:wiki/canteen.md"}]',0,NULL,'2026-11-30T22:35:25.848728756Z',0);
INSERT INTO "documents" VALUES(1,8,'wiki/quarantine.md','wiki',1,'quarantine.md',NULL,'text/markdown','{}','be3b2c87684ae1c3b94150c13cfcb19a50a2124e14824aa900d176e9d3fc9399','28b9b813de426bcefad41850ddb76587c0825d0b1827f8bd3942f602e05cf8fc',NULL,NULL,13,1,'[]','{"acl":{"nobody":true},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/quarantine.md"}]',0,NULL,'2026-11-30T22:35:25.956819544Z',0);
INSERT INTO "documents" VALUES(1,9,'wiki/Übersicht.md','wiki',1,'Übersicht.md',NULL,'text/markdown','{}','c01c2b7f75ad634317225dbca456c603d0c2e954891c822a4dfcdda90080274b','7d00377247e9d9a0755c82f11a74b95e60641a1ed10e7ed4a3f727c9d36a212c',NULL,NULL,14,1,'[]','{"acl":{"owners":["user:bob"],"viewers":["agent:scribe","user:eva%40example.org"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/Übersicht.md"},{"user":"user:bob","relation":"owner","object":"document:wiki/Übersicht.md"},{"user":"agent:scribe","relation":"viewer","object":"document:wiki/Übersicht.md"},{"user":"user:eva%40example.org","relation":"viewer","object":"document:wiki/Übersicht.md"}]',0,'2999-01-01T00:00:00Z','2026-11-30T22:35:26.011361224Z',0);
INSERT INTO "documents" VALUES(1,10,'wiki/again.md','wiki',2,'again.md',NULL,'text/markdown','{}','16f1b9ff7bee2a57621bf31e05736cc90bc06b9100d47beda89e9b0742d03a44','d1e42ff2e0a9f6a65bb7722976b3e91c2d326a4d3316a4256348a504470464c8',NULL,NULL,15,1,'[]','{"acl":{"viewers":["group:staff#member"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/again.md"},{"user":"group:staff#member","relation":"viewer","object":"document:wiki/again.md"}]',0,NULL,'2026-11-30T22:35:26.052924533Z',0);
INSERT INTO "documents" VALUES(1,11,'wiki/byhand.md','wiki',1,'byhand.md',NULL,'text/markdown','{}','96821c15b911f703cbf84e1298b221e4f40421f983d33a217ee877e971e148ec','889e9c5b7db00eadb0b34ad7d4458eafcf0d2b60e00067ef20ab61a8dd34e7b3',NULL,NULL,16,1,'[]','{"acl":{"parents":["folder:wiki"],"viewers":["group:hr#member","user:max"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/byhand.md"},{"user":"folder:wiki","relation":"parent","object":"document:wiki/byhand.md"},{"user":"group:hr#member","relation":"viewer","object":"document:wiki/byhand.md"},{"user":"user:max","relation":"viewer","object":"document:wiki/byhand.md"}]',0,NULL,'2026-11-30T22:35:26.102668023Z',0);
INSERT INTO "documents" VALUES(1,12,'wiki/a~b c.md','wiki',1,'a~b c.md',NULL,'text/markdown','{}','fcf8de5598206eb5a4641e19411cd5ec06744447eb8171af8c20de14237fa7df','7393aa133f88337e258ef65225a567ce93929b6817442392c61056bcdaa09461',NULL,NULL,17,2,'[{"id":"part","first":1,"count":1,"start":27,"end":63}]','{"acl":{"viewers":["group:staff#member"]},"sections":[["part",{"viewers":["group:hr#member","user:max"]}]]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/a~b%20c.md"},{"user":"group:staff#member","relation":"viewer","object":"document:wiki/a~b%20c.md"},{"user":"document:wiki/a~b%20c.md","relation":"document","object":"section:wiki/a%7Eb%20c.md~part"},{"user":"group:hr#member","relation":"viewer","object":"section:wiki/a%7Eb%20c.md~part"},{"user":"user:max","relation":"viewer","object":"section:wiki/a%7Eb%20c.md~part"}]',0,NULL,'2026-11-30T22:35:26.146150121Z',0);
INSERT INTO "documents" VALUES(1,13,'wiki/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/name.md','wiki',1,'name.md',NULL,'text/markdown','{}','ae5e95c9529eea45c6648731c9ee989151eaf3a70e03b47a3452cc56b6cde61b','230788c73be3950a1106d78051b76d622ac17755dec7c857ebd607b0caa8c847',NULL,NULL,19,2,'[{"id":"part","first":1,"count":1,"start":34,"end":69}]','{"acl":{"viewers":["group:board#member"]},"sections":[["part",{"viewers":["user:Ada%40Example.org"]}]]}','[{"user":"classification:open","relation":"classification","object":"document:h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c"},{"user":"group:board#member","relation":"viewer","object":"document:h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c"},{"user":"document:h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c","relation":"document","object":"section:h~63f2fdb68e8fc8450e8c40131c7fe3374732897aae6a6f00f82eb8d44130b18b"},{"user":"user:Ada%40Example.org","relation":"viewer","object":"section:h~63f2fdb68e8fc8450e8c40131c7fe3374732897aae6a6f00f82eb8d44130b18b"}]',0,NULL,'2026-11-30T22:35:26.186844032Z',0);
INSERT INTO "documents" VALUES(1,14,'wiki/yard.md','wiki',1,'yard.md',NULL,'text/markdown','{}','eeb4b126033522fb70815996dde48b4531d6564bb00a53e94240224fae71cd93','0759ec6c165f39af3261dd1e727326fc767c28e49c3561b0299bf88d6df370de',NULL,NULL,21,5,'[]','{"acl":{"parents":["collection:yard"],"viewers":["group:staff#member"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/yard.md"},{"user":"collection:yard","relation":"parent","object":"document:wiki/yard.md"},{"user":"group:staff#member","relation":"viewer","object":"document:wiki/yard.md"}]',0,NULL,'2026-11-30T22:35:26.243085157Z',0);
INSERT INTO "documents" VALUES(2,0,'regeln/reise.md','regeln',1,'reise.md',NULL,'text/markdown','{"since":"2023-04-01T00:00:00Z","tags":["a","b"],"team":"travel","year":2023}','f028cc4a7165d8ea37213b7313a5da95e39315d1bd3158404c7de0b64a701c3e','30a69d22e2cb61b9c1ce7c1220c124ed2daca3e2b29680edf68d77da242bac85',NULL,NULL,0,1,'[]','{"acl":null,"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:regeln/reise.md"},{"user":"group:staff#member","relation":"viewer","object":"document:regeln/reise.md"}]',0,NULL,'2026-11-30T22:35:26.3112015Z',0);
INSERT INTO "documents" VALUES(2,1,'regeln/urlaub.md','regeln',1,'urlaub.md',NULL,'text/markdown','{"final":true,"tags":["b"],"team":"people","year":2024}','9ec37d890fac93d5d7fa95f291b51d05448138496624c7c02e310b345a0527c6','76b273ad33c33307af6bd578d72f06eb12d28da8905e861ff78ebbfe1c09990e',NULL,NULL,1,1,'[]','{"acl":{"viewers":["group:hr#member"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:regeln/urlaub.md"},{"user":"group:hr#member","relation":"viewer","object":"document:regeln/urlaub.md"}]',0,NULL,'2026-11-30T22:35:26.395082897Z',0);
INSERT INTO "documents" VALUES(3,0,'hr/leave.md','hr',1,'leave.md',NULL,'text/markdown','{}','ad480438c9ff5b49210742e701472c66d6375c8cc16e2efac6a0ebae793934f1','6d090ffbf618132e526fe5cb94d3b1b19d2602c5a5beaff97c4be4f329618ef6',NULL,NULL,0,1,'[]','{"acl":{"viewers":["group:branch#member"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:hr/leave.md"},{"user":"group:branch#member","relation":"viewer","object":"document:hr/leave.md"}]',0,NULL,'2026-11-30T22:35:26.471187061Z',0);
CREATE TABLE keys (
    id         TEXT PRIMARY KEY,
    hash       BLOB NOT NULL,
    settings   TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT
) WITHOUT ROWID;
INSERT INTO "keys" VALUES('103e8e5c85f26e0b',X'E82AAE275B10A863043CAC42D7DAB845F40514C6F374044E942B74ECB2F00970','{"name":"expired","scopes":["query"],"subject":"user:ann","collections":null,"sources":null,"act_as_types":[]}','2026-11-30T22:35:26.638259082Z','2026-11-30T22:35:29Z',NULL);
INSERT INTO "keys" VALUES('1f2c27b5615f0a65',X'75FDD91988C892F50793C6370DCE6E5DD966D31FA530DBC040611818B620E5E2','{"name":"admin","scopes":["admin","act_as"],"subject":null,"collections":null,"sources":null,"act_as_types":["user","agent","service"]}','2026-11-30T22:35:26.584718387Z','2999-01-01T00:00:00Z',NULL);
INSERT INTO "keys" VALUES('4e88a0640e44005d',X'E36CF23017A0F9531CBED19F934AC567F7595B2F06DBEA76723C9C427CE06234','{"name":"app","scopes":["query","documents.read"],"subject":"user:ann","collections":["main"],"sources":null,"act_as_types":[]}','2026-11-30T22:35:26.59572466Z','2999-01-01T00:00:00Z',NULL);
INSERT INTO "keys" VALUES('576e58574fc071e3',X'15B2890431684069BDA9E7138192620680ABF15AC37026F1868587E1BD422845','{"name":"feed","scopes":["documents.write"],"subject":null,"collections":["main","handbuch"],"sources":["wiki","regeln"],"act_as_types":[]}','2026-11-30T22:35:26.604317989Z','2999-01-01T00:00:00Z',NULL);
INSERT INTO "keys" VALUES('599d3792d8b37169',X'08BE1F6CA7BEF664F71980E5AFE962918AF6451558BD0C36E1B0C0969D1822E8','{"name":"chat","scopes":["query","documents.read","act_as"],"subject":null,"collections":["main","branch"],"sources":null,"act_as_types":["user"]}','2026-11-30T22:35:26.617986505Z','2999-01-01T00:00:00Z',NULL);
INSERT INTO "keys" VALUES('ac4ba5b7bc3da3ca',X'46B93E151F17730160DB73CFFCB1FB5231CEB799C511A0D26875AF5DA9AB7916','{"name":"first administrator","scopes":["admin","act_as"],"subject":null,"collections":null,"sources":null,"act_as_types":["user","agent","service"]}','2026-11-30T22:35:23.545677556Z','2027-11-30T22:35:23.545677556Z',NULL);
INSERT INTO "keys" VALUES('f6008035e1a9e555',X'9B39298EEE89A90A8C8E9AD7A0B2DDA6B0D8D7ABECD9790B7A2190608EBF6A6B','{"name":"revoked","scopes":["query"],"subject":"user:ann","collections":null,"sources":null,"act_as_types":[]}','2026-11-30T22:35:26.625457617Z','2999-01-01T00:00:00Z','2026-11-30T22:35:26.633994233Z');
CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    owner      BLOB NOT NULL,
    until_ms   BIGINT NOT NULL,
    -- Up to when the work is known to be complete, if it says so.
    done_at_ms BIGINT
);
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
INSERT INTO "meta" VALUES('first collection',X'');
INSERT INTO "meta" VALUES('first store',X'30314D3851394A45424442485430515747595230504535414B38');
INSERT INTO "meta" VALUES('ordinals/1',X'0000000F0000001A');
INSERT INTO "meta" VALUES('ordinals/2',X'0000000200000002');
INSERT INTO "meta" VALUES('ordinals/3',X'0000000100000001');
INSERT INTO "meta" VALUES('revision',X'000000000000002A');
INSERT INTO "meta" VALUES('secret',X'D42B566ABF6923B4207A14C3E430D40256C82CAE109D162D7EE733406364D5AD');
CREATE TABLE models (
    store      TEXT NOT NULL,
    id         TEXT NOT NULL,
    body       TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    PRIMARY KEY (store, id)
) WITHOUT ROWID;
INSERT INTO "models" VALUES('01M8Q9JEBDBHT0QWGYR0PE5AK8','01M8Q9JECYTH2YMGE03XWA3H2C','{"schema_version":"1.1","type_definitions":[{"type":"user","relations":{}},{"type":"agent","relations":{}},{"type":"service","relations":{}},{"type":"group","relations":{"member":{"this":{}}},"metadata":{"relations":{"member":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]}}}},{"type":"clause","relations":{"a":{"this":{}},"b":{"this":{}},"member":{"intersection":{"child":[{"computedUserset":{"relation":"a"}},{"computedUserset":{"relation":"b"}}]}}},"metadata":{"relations":{"a":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"classification","relation":"cleared"}]},"b":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"classification","relation":"cleared"}]},"member":{"directly_related_user_types":[]}}}},{"type":"classification","relations":{"above":{"this":{}},"cleared":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"above"},"computedUserset":{"relation":"cleared"}}}]}}},"metadata":{"relations":{"above":{"directly_related_user_types":[{"type":"classification"}]},"cleared":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]}}}},{"type":"collection","relations":{"blocked":{"this":{}},"editor":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"owner"}}]}},"owner":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"editor"}}]}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]},"editor":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"}]},"owner":{"directly_related_user_types":[{"type":"user"},{"type":"service"},{"type":"group","relation":"member"}]},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]}}}},{"type":"folder","relations":{"blocked":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"parent"},"computedUserset":{"relation":"blocked"}}}]}},"editor":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"owner"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"editor"}}}]}},"inherits":{"this":{}},"owner":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"owner"}}}]}},"parent":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"editor"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"viewer"}}}]}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]},"editor":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"}]},"inherits":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}]},"owner":{"directly_related_user_types":[{"type":"user"},{"type":"service"},{"type":"group","relation":"member"}]},"parent":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}]},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]}}}},{"type":"document","relations":{"blocked":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"parent"},"computedUserset":{"relation":"blocked"}}}]}},"can_edit":{"difference":{"base":{"intersection":{"child":[{"computedUserset":{"relation":"editor"}},{"computedUserset":{"relation":"cleared"}}]}},"subtract":{"computedUserset":{"relation":"blocked"}}}},"can_view":{"difference":{"base":{"intersection":{"child":[{"computedUserset":{"relation":"viewer"}},{"computedUserset":{"relation":"cleared"}}]}},"subtract":{"computedUserset":{"relation":"blocked"}}}},"classification":{"this":{}},"cleared":{"tupleToUserset":{"tupleset":{"relation":"classification"},"computedUserset":{"relation":"cleared"}}},"editor":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"owner"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"editor"}}}]}},"inherits":{"this":{}},"owner":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"owner"}}}]}},"parent":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"editor"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"viewer"}}}]}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]},"can_edit":{"directly_related_user_types":[]},"can_view":{"directly_related_user_types":[]},"classification":{"directly_related_user_types":[{"type":"classification"}]},"cleared":{"directly_related_user_types":[]},"editor":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"}]},"inherits":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}]},"owner":{"directly_related_user_types":[{"type":"user"},{"type":"service"},{"type":"group","relation":"member"}]},"parent":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}]},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]}}}},{"type":"section","relations":{"blocked":{"this":{}},"can_view":{"difference":{"base":{"intersection":{"child":[{"computedUserset":{"relation":"viewer"}},{"tupleToUserset":{"tupleset":{"relation":"document"},"computedUserset":{"relation":"can_view"}}}]}},"subtract":{"computedUserset":{"relation":"blocked"}}}},"document":{"this":{}},"viewer":{"this":{}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"},{"type":"clause","relation":"member"}]},"can_view":{"directly_related_user_types":[]},"document":{"directly_related_user_types":[{"type":"document"}]},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"classification","relation":"cleared"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]}}}}],"conditions":{"during":{"name":"during","expression":"start <= current_time && current_time < end","parameters":{"current_time":{"type_name":"TYPE_NAME_TIMESTAMP"},"end":{"type_name":"TYPE_NAME_TIMESTAMP"},"start":{"type_name":"TYPE_NAME_TIMESTAMP"}}}}}',2);
INSERT INTO "models" VALUES('01M8Q9JFVEPJC0X1B2DANVBH07','01M8Q9JFWDJEKZQVSGM10P7G91','{"schema_version":"1.1","type_definitions":[{"type":"user","relations":{}},{"type":"agent","relations":{}},{"type":"service","relations":{}},{"type":"group","relations":{"member":{"this":{}}},"metadata":{"relations":{"member":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"clause","relations":{"a":{"this":{}},"b":{"this":{}},"member":{"intersection":{"child":[{"computedUserset":{"relation":"a"}},{"computedUserset":{"relation":"b"}}]}}},"metadata":{"relations":{"a":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"classification","relation":"cleared"}],"module":"","source_info":null},"b":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"classification","relation":"cleared"}],"module":"","source_info":null},"member":{"directly_related_user_types":[],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"classification","relations":{"above":{"this":{}},"cleared":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"above"},"computedUserset":{"relation":"cleared"}}}]}}},"metadata":{"relations":{"above":{"directly_related_user_types":[{"type":"classification"}],"module":"","source_info":null},"cleared":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"collection","relations":{"blocked":{"this":{}},"editor":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"owner"}}]}},"owner":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"editor"}}]}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null},"editor":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"}],"module":"","source_info":null},"owner":{"directly_related_user_types":[{"type":"user"},{"type":"service"},{"type":"group","relation":"member"}],"module":"","source_info":null},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"folder","relations":{"blocked":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"parent"},"computedUserset":{"relation":"blocked"}}}]}},"editor":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"owner"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"editor"}}}]}},"inherits":{"this":{}},"owner":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"owner"}}}]}},"parent":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"editor"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"viewer"}}}]}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null},"editor":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"}],"module":"","source_info":null},"inherits":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}],"module":"","source_info":null},"owner":{"directly_related_user_types":[{"type":"user"},{"type":"service"},{"type":"group","relation":"member"}],"module":"","source_info":null},"parent":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}],"module":"","source_info":null},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"document","relations":{"blocked":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"parent"},"computedUserset":{"relation":"blocked"}}}]}},"can_edit":{"difference":{"base":{"intersection":{"child":[{"computedUserset":{"relation":"editor"}},{"computedUserset":{"relation":"cleared"}}]}},"subtract":{"computedUserset":{"relation":"blocked"}}}},"can_view":{"difference":{"base":{"intersection":{"child":[{"computedUserset":{"relation":"viewer"}},{"computedUserset":{"relation":"cleared"}}]}},"subtract":{"computedUserset":{"relation":"blocked"}}}},"classification":{"this":{}},"cleared":{"tupleToUserset":{"tupleset":{"relation":"classification"},"computedUserset":{"relation":"cleared"}}},"editor":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"owner"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"editor"}}}]}},"inherits":{"this":{}},"owner":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"owner"}}}]}},"parent":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"editor"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"viewer"}}}]}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null},"can_edit":{"directly_related_user_types":[],"module":"","source_info":null},"can_view":{"directly_related_user_types":[],"module":"","source_info":null},"classification":{"directly_related_user_types":[{"type":"classification"}],"module":"","source_info":null},"cleared":{"directly_related_user_types":[],"module":"","source_info":null},"editor":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"}],"module":"","source_info":null},"inherits":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}],"module":"","source_info":null},"owner":{"directly_related_user_types":[{"type":"user"},{"type":"service"},{"type":"group","relation":"member"}],"module":"","source_info":null},"parent":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}],"module":"","source_info":null},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"section","relations":{"blocked":{"this":{}},"can_view":{"difference":{"base":{"intersection":{"child":[{"computedUserset":{"relation":"viewer"}},{"tupleToUserset":{"tupleset":{"relation":"document"},"computedUserset":{"relation":"can_view"}}}]}},"subtract":{"computedUserset":{"relation":"blocked"}}}},"document":{"this":{}},"viewer":{"this":{}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"},{"type":"clause","relation":"member"}],"module":"","source_info":null},"can_view":{"directly_related_user_types":[],"module":"","source_info":null},"document":{"directly_related_user_types":[{"type":"document"}],"module":"","source_info":null},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"classification","relation":"cleared"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"ticket","relations":{"reader":{"this":{}}},"metadata":{"relations":{"reader":{"directly_related_user_types":[{"type":"user"},{"type":"group","relation":"member"}]}}}}],"conditions":{"during":{"name":"during","expression":"start <= current_time && current_time < end","parameters":{"current_time":{"type_name":"TYPE_NAME_TIMESTAMP"},"end":{"type_name":"TYPE_NAME_TIMESTAMP"},"start":{"type_name":"TYPE_NAME_TIMESTAMP"}},"metadata":null}}}',6);
CREATE TABLE operations (
    sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
    revision    BIGINT NOT NULL,
    collection  BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    first_chunk BIGINT NOT NULL,
    chunk_count BIGINT NOT NULL
);
INSERT INTO "operations" VALUES(1,11,1,'add',0,1);
INSERT INTO "operations" VALUES(2,12,1,'add',1,1);
INSERT INTO "operations" VALUES(3,13,1,'add',2,1);
INSERT INTO "operations" VALUES(4,14,1,'remove',1,1);
INSERT INTO "operations" VALUES(5,15,1,'remove',2,1);
INSERT INTO "operations" VALUES(6,16,1,'remove',0,1);
INSERT INTO "operations" VALUES(7,16,1,'add',3,1);
INSERT INTO "operations" VALUES(8,17,1,'add',4,1);
INSERT INTO "operations" VALUES(9,18,1,'add',5,1);
INSERT INTO "operations" VALUES(10,19,1,'add',6,5);
INSERT INTO "operations" VALUES(11,20,1,'add',11,1);
INSERT INTO "operations" VALUES(12,21,1,'add',12,1);
INSERT INTO "operations" VALUES(13,22,1,'add',13,1);
INSERT INTO "operations" VALUES(14,23,1,'add',14,1);
INSERT INTO "operations" VALUES(15,24,1,'add',15,1);
INSERT INTO "operations" VALUES(16,25,1,'add',16,1);
INSERT INTO "operations" VALUES(17,26,1,'add',17,2);
INSERT INTO "operations" VALUES(18,27,1,'add',19,2);
INSERT INTO "operations" VALUES(19,28,1,'add',21,5);
INSERT INTO "operations" VALUES(20,29,2,'add',0,1);
INSERT INTO "operations" VALUES(21,30,2,'add',1,1);
INSERT INTO "operations" VALUES(22,31,3,'add',0,1);
CREATE TABLE outbox (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    revision   BIGINT NOT NULL,
    store      TEXT NOT NULL,
    collection BIGINT NOT NULL,
    document   TEXT NOT NULL,
    deletes    TEXT NOT NULL,
    writes     TEXT NOT NULL
);
CREATE TABLE stores (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "stores" VALUES('01M8Q9JEBDBHT0QWGYR0PE5AK8','usher','2026-11-30T22:35:23.398128668Z','2026-11-30T22:35:23.398128668Z');
INSERT INTO "stores" VALUES('01M8Q9JFVEPJC0X1B2DANVBH07','branch','2026-11-30T22:35:24.911495531Z','2026-11-30T22:35:24.911495531Z');
CREATE TABLE text_parts (
    collection BIGINT NOT NULL,
    document   BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    part       BIGINT NOT NULL,
    text       BLOB NOT NULL,
    PRIMARY KEY (collection, document, part)
);
INSERT INTO "text_parts" VALUES(1,0,2,0,X'4C656176653A2073746166662068617665207468697274792064617973206F66206C656176652E');
INSERT INTO "text_parts" VALUES(1,3,1,0,X'5061792062616E647320617265206465636964656420696E204D61792E');
INSERT INTO "text_parts" VALUES(1,4,1,0,X'54686520626F6E7573206F662074686520636173652068616E646C657273206973207061696420696E204A756E652E');
INSERT INTO "text_parts" VALUES(1,5,1,0,X'496E74726F20746F20746865206F70656E20706172743A207468652070726F636564757265206861732074687265652073746570732E0A0A2320C39C626572626C69636B0A0A45766572792063617365206F662074686520636F6F70657261746976652069732068656172642077697468696E2074686972747920646179732E0A0A23232056657267C3BC74756E670A0A54686520736574746C656D656E7420666F72204CC3B6776520616E642042C3A47220697320393030302063726F776E7320696E206561636820636173652E0A0A23232041757367616E670A0A416C6C206F70656E2063617365732061726520636C6F7365642062792074686520656E64206F662074686520796561722E0A0A2323232042657363686C7573730A0A546865206465636973696F6E206E616D6573207468652063686169722C20616E64207468652063617365206E756D62657220697320343731312E0A');
INSERT INTO "text_parts" VALUES(1,6,1,0,X'5468652077696E646F77206F66207468652061756469742063617365206973206F70656E2E');
INSERT INTO "text_parts" VALUES(1,7,1,0,X'5468652063616E7465656E206F70656E732061742065696768742C20696E20616E7920636173652E');
INSERT INTO "text_parts" VALUES(1,8,1,0,X'51756172616E74696E65206F66206120646F75627466756C20636173652E');
INSERT INTO "text_parts" VALUES(1,9,1,0,X'C39C62657273696368743A207468652063617365206C697374206F662074686520686172626F75722C20666F72206167656E747320746F6F2E');
INSERT INTO "text_parts" VALUES(1,10,2,0,X'53746F72656420616761696E206166746572206974732072656D6F76616C2C2061207365636F6E6420636173652E');
INSERT INTO "text_parts" VALUES(1,11,1,0,X'52756C65732062792068616E643A206C6561766520616E642063616E7465656E20666F72206F6E6520636173652E');
INSERT INTO "text_parts" VALUES(1,12,1,0,X'232054696C64650A0A412063617365206F66206E616D65732E0A0A2320506172740A0A5468652070617274206F66207468652074696C646520636173652E0A');
INSERT INTO "text_parts" VALUES(1,13,1,0,X'23204C6F6E670A0A5468652063617365206F662061206C6F6E67206E616D652E0A0A2320506172740A0A5468652070617274206F6620746865206C6F6E6720636173652E0A');
INSERT INTO "text_parts" VALUES(1,14,1,0,X'232048616E64626F6F6B206F662074686520796172640A0A2323205374657020310A0A54686520736C6970776179206372657720636865636B7320637261646C6520312C206772656173657320746865207261696C732C20616E64206E6F7465732063617365203120696E20746865207961726420626F6F6B2E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E200A0A2323205374657020320A0A54686520736C6970776179206372657720636865636B7320637261646C6520322C206772656173657320746865207261696C732C20616E64206E6F7465732063617365203220696E20746865207961726420626F6F6B2E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E200A0A2323205374657020330A0A54686520736C6970776179206372657720636865636B7320637261646C6520332C206772656173657320746865207261696C732C20616E64206E6F7465732063617365203320696E20746865207961726420626F6F6B2E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E200A0A2323205374657020340A0A54686520736C6970776179206372657720636865636B7320637261646C6520342C206772656173657320746865207261696C732C20616E64206E6F7465732063617365203420696E20746865207961726420626F6F6B2E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E205468652074696465207461626C652068616E677320617420746865206761746520616E642069732072656164206265666F72652065616368206C61756E63682E200A0A');
INSERT INTO "text_parts" VALUES(2,0,1,0,X'4469652052656973656B6F7374656E2077657264656E20696D2046616C6C20766F6E204469656E737472656973656E206572737461747465742E204C65617665207468652062696C6C20686572652E');
INSERT INTO "text_parts" VALUES(2,1,1,0,X'55726C61756273746167652076657266616C6C656E20696D2046616C6C206CC3A46E6765726572204B72616E6B68656974206E696368742E');
INSERT INTO "text_parts" VALUES(3,0,1,0,X'4C6561766520617420746865206272616E63683A207477656E7479206669766520646179732C206361736520627920636173652E');
CREATE TABLE tuple_changes (
    change            INTEGER PRIMARY KEY AUTOINCREMENT,
    revision          BIGINT NOT NULL,
    store             TEXT NOT NULL,
    operation         TEXT NOT NULL,
    object_type       TEXT NOT NULL,
    object_id         TEXT NOT NULL,
    relation          TEXT NOT NULL,
    subject           TEXT NOT NULL,
    condition_name    TEXT,
    condition_context TEXT,
    changed_at        TEXT NOT NULL
);
INSERT INTO "tuple_changes" VALUES(1,2,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','classification','open','cleared','user:*',NULL,NULL,'2026-11-30T22:35:23.422190887Z');
INSERT INTO "tuple_changes" VALUES(2,2,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','classification','open','cleared','agent:*',NULL,NULL,'2026-11-30T22:35:23.422190887Z');
INSERT INTO "tuple_changes" VALUES(3,2,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','classification','open','cleared','service:*',NULL,NULL,'2026-11-30T22:35:23.422190887Z');
INSERT INTO "tuple_changes" VALUES(4,8,'01M8Q9JFVEPJC0X1B2DANVBH07','write','group','branch','member','user:ann',NULL,NULL,'2026-11-30T22:35:24.993769478Z');
INSERT INTO "tuple_changes" VALUES(5,8,'01M8Q9JFVEPJC0X1B2DANVBH07','write','ticket','1','reader','group:branch#member',NULL,NULL,'2026-11-30T22:35:24.993769478Z');
INSERT INTO "tuple_changes" VALUES(6,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','group','staff','member','user:ann',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(7,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','group','hr','member','user:eve',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(8,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','group','hr','member','user:bob',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(9,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','group','board','member','user:Ada%40Example.org',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(10,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','group','hr','member','user:eva%40example.org',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(11,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','group','staff','member','group:hr#member',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(12,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','group','staff','member','group:board#member',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(13,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','group','staff','member','user:zoe','during','{"end":"2001-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(14,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','group','board','member','agent:scribe','during','{"end":"2999-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(15,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','folder','hr','parent','folder:company',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(16,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','folder','hr','inherits','folder:company',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(17,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','folder','company','viewer','group:board#member',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(18,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','folder','hr','viewer','user:bob',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(19,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','folder','company','blocked','user:eve',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(20,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','classification','secret','cleared','group:board#member',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(21,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','classification','confidential','above','classification:secret',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(22,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','classification','confidential','cleared','user:bob',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(23,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','collection','yard','blocked','user:zoe',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(24,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/quarantine.md','viewer','user:zoe',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(25,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/byhand.md','viewer','user:zoe',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(26,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/byhand.md','blocked','user:bob',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(27,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','section','hr/cases.md~pay','viewer','user:ann',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(28,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','section','wiki/a%7Eb%20c.md~part','blocked','user:bob',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(29,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/gone.md','viewer','user:zoe',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(30,10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/never.md','viewer','user:ann',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuple_changes" VALUES(31,11,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/leave.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.048797952Z');
INSERT INTO "tuple_changes" VALUES(32,11,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/leave.md','viewer','user:zoe',NULL,NULL,'2026-11-30T22:35:25.048797952Z');
INSERT INTO "tuple_changes" VALUES(33,12,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/gone.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.128888341Z');
INSERT INTO "tuple_changes" VALUES(34,12,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/gone.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:25.128888341Z');
INSERT INTO "tuple_changes" VALUES(35,13,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/again.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.271052613Z');
INSERT INTO "tuple_changes" VALUES(36,13,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/again.md','viewer','user:zoe',NULL,NULL,'2026-11-30T22:35:25.271052613Z');
INSERT INTO "tuple_changes" VALUES(37,14,'01M8Q9JEBDBHT0QWGYR0PE5AK8','delete','document','hr/gone.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.3722521Z');
INSERT INTO "tuple_changes" VALUES(38,14,'01M8Q9JEBDBHT0QWGYR0PE5AK8','delete','document','hr/gone.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:25.3722521Z');
INSERT INTO "tuple_changes" VALUES(39,15,'01M8Q9JEBDBHT0QWGYR0PE5AK8','delete','document','wiki/again.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.410920195Z');
INSERT INTO "tuple_changes" VALUES(40,15,'01M8Q9JEBDBHT0QWGYR0PE5AK8','delete','document','wiki/again.md','viewer','user:zoe',NULL,NULL,'2026-11-30T22:35:25.410920195Z');
INSERT INTO "tuple_changes" VALUES(41,16,'01M8Q9JEBDBHT0QWGYR0PE5AK8','delete','document','hr/leave.md','viewer','user:zoe',NULL,NULL,'2026-11-30T22:35:25.444241126Z');
INSERT INTO "tuple_changes" VALUES(42,16,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/leave.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:25.444241126Z');
INSERT INTO "tuple_changes" VALUES(43,17,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/pay.md','blocked','user:eve',NULL,NULL,'2026-11-30T22:35:25.528803625Z');
INSERT INTO "tuple_changes" VALUES(44,17,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/pay.md','classification','classification:confidential',NULL,NULL,'2026-11-30T22:35:25.528803625Z');
INSERT INTO "tuple_changes" VALUES(45,17,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/pay.md','inherits','folder:hr',NULL,NULL,'2026-11-30T22:35:25.528803625Z');
INSERT INTO "tuple_changes" VALUES(46,17,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/pay.md','parent','folder:hr',NULL,NULL,'2026-11-30T22:35:25.528803625Z');
INSERT INTO "tuple_changes" VALUES(47,18,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','clause','b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d','a','group:board#member',NULL,NULL,'2026-11-30T22:35:25.6049539Z');
INSERT INTO "tuple_changes" VALUES(48,18,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','clause','b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d','a','user:eva%40example.org',NULL,NULL,'2026-11-30T22:35:25.6049539Z');
INSERT INTO "tuple_changes" VALUES(49,18,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','clause','b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d','b','group:hr#member',NULL,NULL,'2026-11-30T22:35:25.6049539Z');
INSERT INTO "tuple_changes" VALUES(50,18,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/bonus.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.6049539Z');
INSERT INTO "tuple_changes" VALUES(51,18,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/bonus.md','viewer','clause:b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d#member',NULL,NULL,'2026-11-30T22:35:25.6049539Z');
INSERT INTO "tuple_changes" VALUES(52,19,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/cases.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuple_changes" VALUES(53,19,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/cases.md','parent','folder:hr',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuple_changes" VALUES(54,19,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/cases.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuple_changes" VALUES(55,19,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/cases.md','viewer','user:Ada%40Example.org',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuple_changes" VALUES(56,19,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','section','hr/cases.md~decision','document','document:hr/cases.md',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuple_changes" VALUES(57,19,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','section','hr/cases.md~pay','blocked','user:eve',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuple_changes" VALUES(58,19,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','section','hr/cases.md~pay','document','document:hr/cases.md',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuple_changes" VALUES(59,19,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','section','hr/cases.md~pay','viewer','group:hr#member',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuple_changes" VALUES(60,19,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','section','hr/cases.md~pay','viewer','user:Ada%40Example.org',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuple_changes" VALUES(61,20,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/window.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.761124651Z');
INSERT INTO "tuple_changes" VALUES(62,20,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/window.md','viewer','user:Ada%40Example.org','during','{"end":"2999-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T22:35:25.761124651Z');
INSERT INTO "tuple_changes" VALUES(63,20,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/window.md','viewer','user:zoe','during','{"end":"2001-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T22:35:25.761124651Z');
INSERT INTO "tuple_changes" VALUES(64,21,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/canteen.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.848728756Z');
INSERT INTO "tuple_changes" VALUES(65,21,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/canteen.md','viewer','user:*',NULL,NULL,'2026-11-30T22:35:25.848728756Z');
INSERT INTO "tuple_changes" VALUES(66,22,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/quarantine.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.956819544Z');
INSERT INTO "tuple_changes" VALUES(67,23,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/Übersicht.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.011361224Z');
INSERT INTO "tuple_changes" VALUES(68,23,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/Übersicht.md','owner','user:bob',NULL,NULL,'2026-11-30T22:35:26.011361224Z');
INSERT INTO "tuple_changes" VALUES(69,23,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/Übersicht.md','viewer','agent:scribe',NULL,NULL,'2026-11-30T22:35:26.011361224Z');
INSERT INTO "tuple_changes" VALUES(70,23,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/Übersicht.md','viewer','user:eva%40example.org',NULL,NULL,'2026-11-30T22:35:26.011361224Z');
INSERT INTO "tuple_changes" VALUES(71,24,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/again.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.052924533Z');
INSERT INTO "tuple_changes" VALUES(72,24,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/again.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:26.052924533Z');
INSERT INTO "tuple_changes" VALUES(73,25,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/byhand.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.102668023Z');
INSERT INTO "tuple_changes" VALUES(74,25,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/byhand.md','viewer','group:hr#member',NULL,NULL,'2026-11-30T22:35:26.102668023Z');
INSERT INTO "tuple_changes" VALUES(75,26,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/a~b%20c.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.146150121Z');
INSERT INTO "tuple_changes" VALUES(76,26,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/a~b%20c.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:26.146150121Z');
INSERT INTO "tuple_changes" VALUES(77,26,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','section','wiki/a%7Eb%20c.md~part','document','document:wiki/a~b%20c.md',NULL,NULL,'2026-11-30T22:35:26.146150121Z');
INSERT INTO "tuple_changes" VALUES(78,26,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','section','wiki/a%7Eb%20c.md~part','viewer','group:hr#member',NULL,NULL,'2026-11-30T22:35:26.146150121Z');
INSERT INTO "tuple_changes" VALUES(79,26,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','section','wiki/a%7Eb%20c.md~part','viewer','user:max',NULL,NULL,'2026-11-30T22:35:26.146150121Z');
INSERT INTO "tuple_changes" VALUES(80,27,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.186844032Z');
INSERT INTO "tuple_changes" VALUES(81,27,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c','viewer','group:board#member',NULL,NULL,'2026-11-30T22:35:26.186844032Z');
INSERT INTO "tuple_changes" VALUES(82,27,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','section','h~63f2fdb68e8fc8450e8c40131c7fe3374732897aae6a6f00f82eb8d44130b18b','document','document:h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c',NULL,NULL,'2026-11-30T22:35:26.186844032Z');
INSERT INTO "tuple_changes" VALUES(83,27,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','section','h~63f2fdb68e8fc8450e8c40131c7fe3374732897aae6a6f00f82eb8d44130b18b','viewer','user:Ada%40Example.org',NULL,NULL,'2026-11-30T22:35:26.186844032Z');
INSERT INTO "tuple_changes" VALUES(84,28,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/yard.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.243085157Z');
INSERT INTO "tuple_changes" VALUES(85,28,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/yard.md','parent','collection:yard',NULL,NULL,'2026-11-30T22:35:26.243085157Z');
INSERT INTO "tuple_changes" VALUES(86,28,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/yard.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:26.243085157Z');
INSERT INTO "tuple_changes" VALUES(87,29,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','regeln/reise.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.3112015Z');
INSERT INTO "tuple_changes" VALUES(88,29,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','regeln/reise.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:26.3112015Z');
INSERT INTO "tuple_changes" VALUES(89,30,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','regeln/urlaub.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.395082897Z');
INSERT INTO "tuple_changes" VALUES(90,30,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','regeln/urlaub.md','viewer','group:hr#member',NULL,NULL,'2026-11-30T22:35:26.395082897Z');
INSERT INTO "tuple_changes" VALUES(91,31,'01M8Q9JFVEPJC0X1B2DANVBH07','write','document','hr/leave.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.471187061Z');
INSERT INTO "tuple_changes" VALUES(92,31,'01M8Q9JFVEPJC0X1B2DANVBH07','write','document','hr/leave.md','viewer','group:branch#member',NULL,NULL,'2026-11-30T22:35:26.471187061Z');
INSERT INTO "tuple_changes" VALUES(93,33,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/byhand.md','parent','folder:wiki',NULL,NULL,'2026-11-30T22:35:26.551086464Z');
INSERT INTO "tuple_changes" VALUES(94,33,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','wiki/byhand.md','viewer','user:max',NULL,NULL,'2026-11-30T22:35:26.551086464Z');
INSERT INTO "tuple_changes" VALUES(95,34,'01M8Q9JEBDBHT0QWGYR0PE5AK8','write','document','hr/window.md','viewer','user:max',NULL,NULL,'2026-11-30T22:35:26.563076158Z');
INSERT INTO "tuple_changes" VALUES(96,35,'01M8Q9JEBDBHT0QWGYR0PE5AK8','delete','document','hr/window.md','viewer','user:max',NULL,NULL,'2026-11-30T22:35:26.571550154Z');
CREATE TABLE tuples (
    change            BIGINT PRIMARY KEY,
    store             TEXT NOT NULL,
    object_type       TEXT NOT NULL,
    object_id         TEXT NOT NULL,
    relation          TEXT NOT NULL,
    subject           TEXT NOT NULL,
    condition_name    TEXT,
    condition_context TEXT,
    written_at        TEXT NOT NULL
);
INSERT INTO "tuples" VALUES(1,'01M8Q9JEBDBHT0QWGYR0PE5AK8','classification','open','cleared','user:*',NULL,NULL,'2026-11-30T22:35:23.422190887Z');
INSERT INTO "tuples" VALUES(2,'01M8Q9JEBDBHT0QWGYR0PE5AK8','classification','open','cleared','agent:*',NULL,NULL,'2026-11-30T22:35:23.422190887Z');
INSERT INTO "tuples" VALUES(3,'01M8Q9JEBDBHT0QWGYR0PE5AK8','classification','open','cleared','service:*',NULL,NULL,'2026-11-30T22:35:23.422190887Z');
INSERT INTO "tuples" VALUES(4,'01M8Q9JFVEPJC0X1B2DANVBH07','group','branch','member','user:ann',NULL,NULL,'2026-11-30T22:35:24.993769478Z');
INSERT INTO "tuples" VALUES(5,'01M8Q9JFVEPJC0X1B2DANVBH07','ticket','1','reader','group:branch#member',NULL,NULL,'2026-11-30T22:35:24.993769478Z');
INSERT INTO "tuples" VALUES(6,'01M8Q9JEBDBHT0QWGYR0PE5AK8','group','staff','member','user:ann',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(7,'01M8Q9JEBDBHT0QWGYR0PE5AK8','group','hr','member','user:eve',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(8,'01M8Q9JEBDBHT0QWGYR0PE5AK8','group','hr','member','user:bob',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(9,'01M8Q9JEBDBHT0QWGYR0PE5AK8','group','board','member','user:Ada%40Example.org',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(10,'01M8Q9JEBDBHT0QWGYR0PE5AK8','group','hr','member','user:eva%40example.org',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(11,'01M8Q9JEBDBHT0QWGYR0PE5AK8','group','staff','member','group:hr#member',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(12,'01M8Q9JEBDBHT0QWGYR0PE5AK8','group','staff','member','group:board#member',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(13,'01M8Q9JEBDBHT0QWGYR0PE5AK8','group','staff','member','user:zoe','during','{"end":"2001-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(14,'01M8Q9JEBDBHT0QWGYR0PE5AK8','group','board','member','agent:scribe','during','{"end":"2999-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(15,'01M8Q9JEBDBHT0QWGYR0PE5AK8','folder','hr','parent','folder:company',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(16,'01M8Q9JEBDBHT0QWGYR0PE5AK8','folder','hr','inherits','folder:company',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(17,'01M8Q9JEBDBHT0QWGYR0PE5AK8','folder','company','viewer','group:board#member',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(18,'01M8Q9JEBDBHT0QWGYR0PE5AK8','folder','hr','viewer','user:bob',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(19,'01M8Q9JEBDBHT0QWGYR0PE5AK8','folder','company','blocked','user:eve',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(20,'01M8Q9JEBDBHT0QWGYR0PE5AK8','classification','secret','cleared','group:board#member',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(21,'01M8Q9JEBDBHT0QWGYR0PE5AK8','classification','confidential','above','classification:secret',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(22,'01M8Q9JEBDBHT0QWGYR0PE5AK8','classification','confidential','cleared','user:bob',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(23,'01M8Q9JEBDBHT0QWGYR0PE5AK8','collection','yard','blocked','user:zoe',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(24,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/quarantine.md','viewer','user:zoe',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(25,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/byhand.md','viewer','user:zoe',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(26,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/byhand.md','blocked','user:bob',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(27,'01M8Q9JEBDBHT0QWGYR0PE5AK8','section','hr/cases.md~pay','viewer','user:ann',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(28,'01M8Q9JEBDBHT0QWGYR0PE5AK8','section','wiki/a%7Eb%20c.md~part','blocked','user:bob',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(29,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/gone.md','viewer','user:zoe',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(30,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/never.md','viewer','user:ann',NULL,NULL,'2026-11-30T22:35:25.02419276Z');
INSERT INTO "tuples" VALUES(31,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/leave.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.048797952Z');
INSERT INTO "tuples" VALUES(42,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/leave.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:25.444241126Z');
INSERT INTO "tuples" VALUES(43,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/pay.md','blocked','user:eve',NULL,NULL,'2026-11-30T22:35:25.528803625Z');
INSERT INTO "tuples" VALUES(44,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/pay.md','classification','classification:confidential',NULL,NULL,'2026-11-30T22:35:25.528803625Z');
INSERT INTO "tuples" VALUES(45,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/pay.md','inherits','folder:hr',NULL,NULL,'2026-11-30T22:35:25.528803625Z');
INSERT INTO "tuples" VALUES(46,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/pay.md','parent','folder:hr',NULL,NULL,'2026-11-30T22:35:25.528803625Z');
INSERT INTO "tuples" VALUES(47,'01M8Q9JEBDBHT0QWGYR0PE5AK8','clause','b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d','a','group:board#member',NULL,NULL,'2026-11-30T22:35:25.6049539Z');
INSERT INTO "tuples" VALUES(48,'01M8Q9JEBDBHT0QWGYR0PE5AK8','clause','b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d','a','user:eva%40example.org',NULL,NULL,'2026-11-30T22:35:25.6049539Z');
INSERT INTO "tuples" VALUES(49,'01M8Q9JEBDBHT0QWGYR0PE5AK8','clause','b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d','b','group:hr#member',NULL,NULL,'2026-11-30T22:35:25.6049539Z');
INSERT INTO "tuples" VALUES(50,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/bonus.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.6049539Z');
INSERT INTO "tuples" VALUES(51,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/bonus.md','viewer','clause:b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d#member',NULL,NULL,'2026-11-30T22:35:25.6049539Z');
INSERT INTO "tuples" VALUES(52,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/cases.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuples" VALUES(53,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/cases.md','parent','folder:hr',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuples" VALUES(54,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/cases.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuples" VALUES(55,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/cases.md','viewer','user:Ada%40Example.org',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuples" VALUES(56,'01M8Q9JEBDBHT0QWGYR0PE5AK8','section','hr/cases.md~decision','document','document:hr/cases.md',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuples" VALUES(57,'01M8Q9JEBDBHT0QWGYR0PE5AK8','section','hr/cases.md~pay','blocked','user:eve',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuples" VALUES(58,'01M8Q9JEBDBHT0QWGYR0PE5AK8','section','hr/cases.md~pay','document','document:hr/cases.md',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuples" VALUES(59,'01M8Q9JEBDBHT0QWGYR0PE5AK8','section','hr/cases.md~pay','viewer','group:hr#member',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuples" VALUES(60,'01M8Q9JEBDBHT0QWGYR0PE5AK8','section','hr/cases.md~pay','viewer','user:Ada%40Example.org',NULL,NULL,'2026-11-30T22:35:25.686074653Z');
INSERT INTO "tuples" VALUES(61,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/window.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.761124651Z');
INSERT INTO "tuples" VALUES(62,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/window.md','viewer','user:Ada%40Example.org','during','{"end":"2999-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T22:35:25.761124651Z');
INSERT INTO "tuples" VALUES(63,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','hr/window.md','viewer','user:zoe','during','{"end":"2001-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T22:35:25.761124651Z');
INSERT INTO "tuples" VALUES(64,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/canteen.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.848728756Z');
INSERT INTO "tuples" VALUES(65,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/canteen.md','viewer','user:*',NULL,NULL,'2026-11-30T22:35:25.848728756Z');
INSERT INTO "tuples" VALUES(66,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/quarantine.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:25.956819544Z');
INSERT INTO "tuples" VALUES(67,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/Übersicht.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.011361224Z');
INSERT INTO "tuples" VALUES(68,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/Übersicht.md','owner','user:bob',NULL,NULL,'2026-11-30T22:35:26.011361224Z');
INSERT INTO "tuples" VALUES(69,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/Übersicht.md','viewer','agent:scribe',NULL,NULL,'2026-11-30T22:35:26.011361224Z');
INSERT INTO "tuples" VALUES(70,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/Übersicht.md','viewer','user:eva%40example.org',NULL,NULL,'2026-11-30T22:35:26.011361224Z');
INSERT INTO "tuples" VALUES(71,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/again.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.052924533Z');
INSERT INTO "tuples" VALUES(72,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/again.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:26.052924533Z');
INSERT INTO "tuples" VALUES(73,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/byhand.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.102668023Z');
INSERT INTO "tuples" VALUES(74,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/byhand.md','viewer','group:hr#member',NULL,NULL,'2026-11-30T22:35:26.102668023Z');
INSERT INTO "tuples" VALUES(75,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/a~b%20c.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.146150121Z');
INSERT INTO "tuples" VALUES(76,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/a~b%20c.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:26.146150121Z');
INSERT INTO "tuples" VALUES(77,'01M8Q9JEBDBHT0QWGYR0PE5AK8','section','wiki/a%7Eb%20c.md~part','document','document:wiki/a~b%20c.md',NULL,NULL,'2026-11-30T22:35:26.146150121Z');
INSERT INTO "tuples" VALUES(78,'01M8Q9JEBDBHT0QWGYR0PE5AK8','section','wiki/a%7Eb%20c.md~part','viewer','group:hr#member',NULL,NULL,'2026-11-30T22:35:26.146150121Z');
INSERT INTO "tuples" VALUES(79,'01M8Q9JEBDBHT0QWGYR0PE5AK8','section','wiki/a%7Eb%20c.md~part','viewer','user:max',NULL,NULL,'2026-11-30T22:35:26.146150121Z');
INSERT INTO "tuples" VALUES(80,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.186844032Z');
INSERT INTO "tuples" VALUES(81,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c','viewer','group:board#member',NULL,NULL,'2026-11-30T22:35:26.186844032Z');
INSERT INTO "tuples" VALUES(82,'01M8Q9JEBDBHT0QWGYR0PE5AK8','section','h~63f2fdb68e8fc8450e8c40131c7fe3374732897aae6a6f00f82eb8d44130b18b','document','document:h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c',NULL,NULL,'2026-11-30T22:35:26.186844032Z');
INSERT INTO "tuples" VALUES(83,'01M8Q9JEBDBHT0QWGYR0PE5AK8','section','h~63f2fdb68e8fc8450e8c40131c7fe3374732897aae6a6f00f82eb8d44130b18b','viewer','user:Ada%40Example.org',NULL,NULL,'2026-11-30T22:35:26.186844032Z');
INSERT INTO "tuples" VALUES(84,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/yard.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.243085157Z');
INSERT INTO "tuples" VALUES(85,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/yard.md','parent','collection:yard',NULL,NULL,'2026-11-30T22:35:26.243085157Z');
INSERT INTO "tuples" VALUES(86,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/yard.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:26.243085157Z');
INSERT INTO "tuples" VALUES(87,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','regeln/reise.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.3112015Z');
INSERT INTO "tuples" VALUES(88,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','regeln/reise.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T22:35:26.3112015Z');
INSERT INTO "tuples" VALUES(89,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','regeln/urlaub.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.395082897Z');
INSERT INTO "tuples" VALUES(90,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','regeln/urlaub.md','viewer','group:hr#member',NULL,NULL,'2026-11-30T22:35:26.395082897Z');
INSERT INTO "tuples" VALUES(91,'01M8Q9JFVEPJC0X1B2DANVBH07','document','hr/leave.md','classification','classification:open',NULL,NULL,'2026-11-30T22:35:26.471187061Z');
INSERT INTO "tuples" VALUES(92,'01M8Q9JFVEPJC0X1B2DANVBH07','document','hr/leave.md','viewer','group:branch#member',NULL,NULL,'2026-11-30T22:35:26.471187061Z');
INSERT INTO "tuples" VALUES(93,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/byhand.md','parent','folder:wiki',NULL,NULL,'2026-11-30T22:35:26.551086464Z');
INSERT INTO "tuples" VALUES(94,'01M8Q9JEBDBHT0QWGYR0PE5AK8','document','wiki/byhand.md','viewer','user:max',NULL,NULL,'2026-11-30T22:35:26.551086464Z');
CREATE UNIQUE INDEX tuples_key ON tuples (store, object_type, object_id, relation, subject);
CREATE INDEX tuples_subject ON tuples (store, subject);
CREATE INDEX tuple_changes_store ON tuple_changes (store, change);
CREATE UNIQUE INDEX documents_id ON documents (collection, id);
CREATE INDEX documents_source ON documents (collection, source, id);
CREATE UNIQUE INDEX chunks_key ON chunks (chunk_key);
CREATE INDEX operations_collection ON operations (collection, sequence);
CREATE INDEX outbox_document ON outbox (collection, document);
CREATE VIEW chunk_texts AS
SELECT c.collection, c.ordinal, c.document, c.version, c.start_byte, c.end_byte, c.heading_path, c.page, c.content_hash,
       t.part,
       substr(t.text, max(c.start_byte - t.part * 32768, 0) + 1,
              min(c.end_byte - t.part * 32768, 32768) - max(c.start_byte - t.part * 32768, 0)) AS text
  FROM chunks c
  JOIN text_parts t ON t.collection = c.collection AND t.document = c.document AND t.version = c.version
                   AND t.part BETWEEN c.start_byte / 32768 AND (c.end_byte - 1) / 32768;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('tuple_changes',96);
INSERT INTO "sqlite_sequence" VALUES('collections',3);
INSERT INTO "sqlite_sequence" VALUES('operations',22);
COMMIT;
