BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'initial','2026-11-30 21:34:08',1,X'FCA7E8B3C7B6924DCF9FBB1BBA380A70C5D53B69B5AF499E0D933C17A1CBC6D20B99D083AD7E53715C5565074A7CC311',5164523);
INSERT INTO "_sqlx_migrations" VALUES(2,'assertions','2026-11-30 21:34:08',1,X'A18297CC9E61BDAF6E41CB0D071E0CB34BED91EE216B9BDD29A82A1ACD89903553E135846A7F79223853908419057776',413521);
INSERT INTO "_sqlx_migrations" VALUES(3,'outbox','2026-11-30 21:34:08',1,X'360E1E1A4F9A5266498FB28F59FAEE1CB7D250D3BFB50AE9BBB6BE9476926CF09D52A7A7D7BC6CEA68D8FA27D413E9B9',1128260);
INSERT INTO "_sqlx_migrations" VALUES(4,'text parts','2026-11-30 21:34:08',1,X'541B11F998AFEDB9FE39DD83A4D06C4AD0FA027CA5E61E70CDB6567EAC46B4B379AB85ABD2F9A885D7A34F4D5CA5A2B4',906113);
INSERT INTO "_sqlx_migrations" VALUES(5,'vectors','2026-11-30 21:34:08',1,X'3081DCEF121E94D99EA8E84D11533055A41B8426169BD6540183BA2FA17790172AB7E37ECE86447CBDC6D0A0847B9AC9',17513488);
INSERT INTO "_sqlx_migrations" VALUES(6,'replicas','2026-11-30 21:34:08',1,X'2355E78F91AC5F37ACE870B4CC4FE475A6C837292CE6FF5C9E852995A670DFD78B1997A661586552296BBDE9DCBF4DF8',8878498);
INSERT INTO "_sqlx_migrations" VALUES(7,'generations','2026-11-30 21:34:08',1,X'94C0592FE0A426C3355D517DA58256655FDA747F85F47AB056BBC84BA5B022F6A67D9310D1446573F855A88E22772E12',8588697);
INSERT INTO "_sqlx_migrations" VALUES(8,'ownership','2026-11-30 21:34:08',1,X'6B2F235339BC46AD4F2CA2374569177973246EADF42F42208FB8B0ECAC9132BDC5A7F67AE74EFB7353F47EE3F196DE44',7909137);
INSERT INTO "_sqlx_migrations" VALUES(9,'audit outbox','2026-11-30 21:34:08',1,X'421FA3E80C09C7FC16EF13A61C8DC7981214DE54EDC7682992013B0D903549F70A66F92B6D29DAD5077B472F315226E6',12017805);
INSERT INTO "_sqlx_migrations" VALUES(10,'tuple walks','2026-11-30 21:34:08',1,X'ECF2CCEC1FAF88BA20FEF5BCF660FBA2FACEB220C18F0736E4B5F885B18D7BA0C2186F717F3F5B1A88FB7F95100DBBFA',7882467);
INSERT INTO "_sqlx_migrations" VALUES(11,'since','2026-11-30 21:34:08',1,X'B6E63A3D8F63E3122122379D8CAB8F347DC502FDD429184876F0B611D66B655AD4965A3B35D46869660EEF6110447D79',7879759);
CREATE TABLE assertions (
    store TEXT NOT NULL,
    model TEXT NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (store, model)
) WITHOUT ROWID;
INSERT INTO "assertions" VALUES('01M8Q62D4BHJ54XRYNS1P8XZEB','01M8Q62D6VNH11GP3Z5F69K1V6','[{"tuple_key":{"object":"ticket:1","relation":"reader","user":"user:ann"},"expectation":true,"contextual_tuples":[],"context":null}]');
CREATE TABLE audit_outbox (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Names the data folder whose audit it is.
    folder    BLOB NOT NULL,
    -- Bytes of that file before the commit: what comes later may hold the records already.
    file_from BIGINT NOT NULL,
    -- Whole lines of JSON.
    records   TEXT NOT NULL
);
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
INSERT INTO "chunks" VALUES(1,3,0,2,0,0,39,'[]',NULL,X'9905250AB68CF0EA1404C424B047C9799167D33E7079C4FBB0299F452982457C',X'B5736BA09BE0BCB96A2919961F9AC1D4',NULL,NULL);
INSERT INTO "chunks" VALUES(1,4,3,1,0,0,29,'[]',NULL,X'7AF71071515341F2A2AD6D68E68568BAB153F6E13FDA7DCD2ECE6A67333B12E2',X'B586C68181DF5CE3F42795695A1795A6',NULL,NULL);
INSERT INTO "chunks" VALUES(1,5,4,1,0,0,47,'[]',NULL,X'3F91CCC15288951C1B11A179F065A47597C67D6E82BEC248060FFE19D9BF0A23',X'9509B9398BC3EC63062F37A9ECDED37A',NULL,NULL);
INSERT INTO "chunks" VALUES(1,6,5,1,0,0,54,'[]',NULL,X'5105AC65234A52926F69D44E9950CE923970E1D0074146D1F1436D8DE784B1F6',X'E3160A7943EFEBBFA43811A40B3CCB3C',NULL,NULL);
INSERT INTO "chunks" VALUES(1,7,5,1,1,56,128,'["Überblick"]',NULL,X'F44863159BED49AAE39FC615B4BB798C08A129145163B604121787156AF697AC',X'9AD774FAE85D54E9A840E3AB682DC9C5',NULL,NULL);
INSERT INTO "chunks" VALUES(1,8,5,1,2,130,207,'["Überblick","Vergütung"]',NULL,X'3CCD225F8834FB80CD468D3F136F850576A23CF019A0D423872A787BAE022FD8',X'8C140BD58C4A8388092285298A1CD96C',NULL,NULL);
INSERT INTO "chunks" VALUES(1,9,5,1,3,209,270,'["Überblick","Ausgang"]',NULL,X'A85AA0A6329F345D5A3D7E331776BEA7AE623F1DFCB09D3F2983C91E251DDC56',X'2A83C4C7856ECE01D1D9AAD15D76BA69',NULL,NULL);
INSERT INTO "chunks" VALUES(1,10,5,1,4,272,345,'["Überblick","Ausgang","Beschluss"]',NULL,X'3CFD2B3F545BB59F4F8E74D9EEC3475426B874A20A30D971E96ECCE47B77BA5C',X'77F55191704BD4A4830188F5D849CB29',NULL,NULL);
INSERT INTO "chunks" VALUES(1,11,6,1,0,0,37,'[]',NULL,X'DFD4AA9FF4A7D070CA6B5C0B81F8A860B0D770591C333E6ADC573CBCD446D30B',X'924C99EE471E5827D500DED515DC21A6',NULL,NULL);
INSERT INTO "chunks" VALUES(1,12,7,1,0,0,40,'[]',NULL,X'7643A93C438D4564B56D1B88DEE1B326B9FB1D30EFD3F0FCA442ACD5923E2455',X'5F8FF4F63A6F5652F493C940A5CAEA96',NULL,NULL);
INSERT INTO "chunks" VALUES(1,13,8,1,0,0,30,'[]',NULL,X'EFBFEA9C57C848B5234F030B072F868E0F492CD04DEEBFCAEEF37F7C2862D146',X'5DE39A13269E525BAEB4B4E286E452D3',NULL,NULL);
INSERT INTO "chunks" VALUES(1,14,9,1,0,0,57,'[]',NULL,X'77CCCB96220071D5FCA5EA9CCEC49439F17D9B4CA103A62EFA4B9518B1BA4E7D',X'C46EAC82A27F7B673C115B490CA6FA24',NULL,NULL);
INSERT INTO "chunks" VALUES(1,15,10,2,0,0,46,'[]',NULL,X'EF5883632FAD652060B30A9146A7AA957A4699BC209CB0D6908E4FE45F31DA94',X'22385C82C548A17BB57E777A0241432D',NULL,NULL);
INSERT INTO "chunks" VALUES(1,16,11,1,0,0,46,'[]',NULL,X'23724ACEAB0B6F3A194046EB8CA8917A79E261547E770B929301346BB741227E',X'2BAA6A6686DB0B38B17AFC36F0D5E071',NULL,NULL);
INSERT INTO "chunks" VALUES(1,17,12,1,0,0,25,'["Tilde"]',NULL,X'E0E36F6ABB5F3F89142782AF034A2497A390B61FFA1CFC46E6C2CC9F2D0FBE71',X'100C5C4217B6FE66CDFB0F4DB63C944D',NULL,NULL);
INSERT INTO "chunks" VALUES(1,18,12,1,1,27,62,'["Part"]',NULL,X'2BA73EBD6402AA12D50B1A52EB6050135E4E14131FAB59AC2A7AAAB98052628E',X'06167E8B58F4654A9D56070BD8366934',NULL,NULL);
INSERT INTO "chunks" VALUES(1,19,13,1,0,0,32,'["Long"]',NULL,X'ADC4FFBAAAF942CB711CDC66CF9B948D05BA172FB1BE8268D06C17B205603A2B',X'C634318DBD7A4C652910929E6D239BF3',NULL,NULL);
INSERT INTO "chunks" VALUES(1,20,13,1,1,34,68,'["Part"]',NULL,X'C4540C9D85658987D5E0F038499A438B0186325AEC5BFE2FEA4DDF73A5C12AE0',X'7A92151ACDCAD4FBD7AE46EAA255C34F',NULL,NULL);
INSERT INTO "chunks" VALUES(1,21,14,1,0,0,22,'["Handbook of the yard"]',NULL,X'181E56A805196A82938439C5198D7040666C5EE79787B3E3689DC56D2EAE0F59',X'D5C55DECDC9FFCBF57EADC227F5C358A',NULL,NULL);
INSERT INTO "chunks" VALUES(1,22,14,1,1,24,382,'["Handbook of the yard","Step 1"]',NULL,X'5DC92FF79A33FF154D56D7B2EC7928B7DD1F20641209D2A445E1778EAEECC595',X'734A27BED23F6590C8D5EA7BC274B771',NULL,NULL);
INSERT INTO "chunks" VALUES(1,23,14,1,2,385,743,'["Handbook of the yard","Step 2"]',NULL,X'D16770AB21064032E613E26B2704306FF6D65B735072619A1DB118610E774B77',X'41B909DBC292DF3CE992B9BAB8AA12FA',NULL,NULL);
INSERT INTO "chunks" VALUES(1,24,14,1,3,746,1104,'["Handbook of the yard","Step 3"]',NULL,X'B3D3CBBBD3611860FE4BC0A2F51B5770AAF35BB57677C22B1E578A72675D54E6',X'2BD9948E2CB397E2343EA627C4B7F0EC',NULL,NULL);
INSERT INTO "chunks" VALUES(1,25,14,1,4,1107,1465,'["Handbook of the yard","Step 4"]',NULL,X'D92B711013E37FA40F23EA5E6A47F27CF7CBBA0B8957DE911ED8931EE7B1AC2A',X'CC956760EE756D11232A029BD8185C18',NULL,NULL);
INSERT INTO "chunks" VALUES(2,0,0,1,0,0,79,'[]',NULL,X'7464A5CE782956B783A6737AE175D69085876C58AE2F02553658FA5959F7F494',X'14A0DB0B10889DF433572485AB7247D2',NULL,NULL);
INSERT INTO "chunks" VALUES(2,1,1,1,0,0,56,'[]',NULL,X'8479F2E5EAC04BE0CE9AD1F50A8C94E13874925AEDBC9067AF76F1F331C01D24',X'CF5F2685BFDA220AFB8373002E682FBC',NULL,NULL);
INSERT INTO "chunks" VALUES(2,2,2,1,0,0,42,'[]',NULL,X'85DA2B4990D13839A023486266FE7F546DE8CC3499ED02C286AA2447DEF982B4',X'7D17DB7EB5AE8171CFFAC80CB8865871',NULL,NULL);
INSERT INTO "chunks" VALUES(3,0,0,1,0,0,52,'[]',NULL,X'43EF65F0C0195E2521FF7974E2FEDD27F70C86563A8D1173C0A50DE804CE74C5',X'F04FE30887CF0C0406DCDACBD64A0A93',NULL,NULL);
CREATE TABLE collections (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    settings   TEXT NOT NULL,
    created_at TEXT NOT NULL
);
INSERT INTO "collections" VALUES(1,'main','{"embedder":"hash-v1","dimensions":384,"analyser":"english","store":"01M8Q629GA7V41ZT86Y46W52P6","object_type":"document","section_type":"section","relation":"can_view","default_acl":null,"fields":{},"caller_context":[],"generations":{"current":0,"last":0}}','2026-11-30T21:34:08.732621216Z');
INSERT INTO "collections" VALUES(2,'handbuch','{"embedder":"hash-v1","dimensions":384,"analyser":"german","store":"01M8Q629GA7V41ZT86Y46W52P6","object_type":"document","section_type":"section","relation":"can_view","default_acl":{"viewers":["group:staff#member"]},"fields":{"final":"bool","since":"time","tags":"keywords","team":"keyword","year":"number"},"caller_context":["region"],"generations":{"current":0,"last":0}}','2026-11-30T21:34:11.69473802Z');
INSERT INTO "collections" VALUES(3,'branch','{"embedder":"hash-v1","dimensions":384,"analyser":"simple","store":"01M8Q62D4BHJ54XRYNS1P8XZEB","object_type":"document","section_type":"section","relation":"can_view","default_acl":null,"fields":{},"caller_context":[],"generations":{"current":0,"last":0}}','2026-11-30T21:34:12.240161659Z');
CREATE TABLE commits (
    revision     BIGINT PRIMARY KEY,
    origin       BLOB NOT NULL,
    committed_at TEXT NOT NULL,
    changes      TEXT NOT NULL
);
CREATE TABLE document_versions (
    collection BIGINT NOT NULL,
    id         TEXT NOT NULL,
    version    BIGINT NOT NULL, apart BIGINT NOT NULL DEFAULT 0, since_change BIGINT,
    PRIMARY KEY (collection, id)
) WITHOUT ROWID;
INSERT INTO "document_versions" VALUES(1,'hr/bonus.md',1,0,52);
INSERT INTO "document_versions" VALUES(1,'hr/cases.md',1,0,61);
INSERT INTO "document_versions" VALUES(1,'hr/gone.md',1,0,34);
INSERT INTO "document_versions" VALUES(1,'hr/leave.md',2,0,32);
INSERT INTO "document_versions" VALUES(1,'hr/pay.md',1,0,47);
INSERT INTO "document_versions" VALUES(1,'hr/window.md',1,0,64);
INSERT INTO "document_versions" VALUES(1,'wiki/again.md',2,0,36);
INSERT INTO "document_versions" VALUES(1,'wiki/a~b c.md',1,0,80);
INSERT INTO "document_versions" VALUES(1,'wiki/byhand.md',1,0,75);
INSERT INTO "document_versions" VALUES(1,'wiki/canteen.md',1,0,66);
INSERT INTO "document_versions" VALUES(1,'wiki/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/name.md',1,0,84);
INSERT INTO "document_versions" VALUES(1,'wiki/quarantine.md',1,0,67);
INSERT INTO "document_versions" VALUES(1,'wiki/yard.md',1,0,87);
INSERT INTO "document_versions" VALUES(1,'wiki/Übersicht.md',1,0,71);
INSERT INTO "document_versions" VALUES(2,'hr/leave.md',1,1,95);
INSERT INTO "document_versions" VALUES(2,'regeln/reise.md',1,0,89);
INSERT INTO "document_versions" VALUES(2,'regeln/urlaub.md',1,0,91);
INSERT INTO "document_versions" VALUES(3,'hr/leave.md',1,0,93);
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
    updated_at     TEXT NOT NULL, awaits_rules BIGINT NOT NULL DEFAULT 0, apart BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (collection, ordinal)
);
INSERT INTO "documents" VALUES(1,0,'hr/leave.md','hr',2,'Leave','https://intranet.example/leave','text/markdown','{"team":"people"}','71d2774ea2b29a7171294c56187c99f4dd6d2636e0d991122325c05083f458d3','d1e42ff2e0a9f6a65bb7722976b3e91c2d326a4d3316a4256348a504470464c8','abababababababababababababababababababababababababababababababab',2,3,1,'[]','{"acl":{"viewers":["group:staff#member"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:hr/leave.md"},{"user":"group:staff#member","relation":"viewer","object":"document:hr/leave.md"}]',0,NULL,'2026-11-30T21:34:13.565527625Z',0,0);
INSERT INTO "documents" VALUES(1,3,'hr/pay.md','hr',1,'pay.md',NULL,'text/markdown','{}','942b1b8983aee9ea7ed9e1638cb915746a0198cad0353f1c5cbfa83f57ef3d45','60155eb7a90a5a54073fcf1e8042cafc3746af7dec489aec179c756d84bcd4d1',NULL,NULL,4,1,'[]','{"acl":{"parents":["folder:hr"],"inherit":true,"blocked":["user:eve"],"classification":"classification:confidential"},"sections":[]}','[{"user":"user:eve","relation":"blocked","object":"document:hr/pay.md"},{"user":"classification:confidential","relation":"classification","object":"document:hr/pay.md"},{"user":"folder:hr","relation":"inherits","object":"document:hr/pay.md"},{"user":"folder:hr","relation":"parent","object":"document:hr/pay.md"}]',0,NULL,'2026-11-30T21:34:13.767674046Z',0,0);
INSERT INTO "documents" VALUES(1,4,'hr/bonus.md','hr',1,'bonus.md',NULL,'text/markdown','{}','c45a1832782c7b8f3d5286c8e582f5c1536ff268dba762f43f656437d94be1d7','29ce9b7ebfb59d3400858a598620cb36005de0d63dc44cae4c8626c46b95dd29',NULL,NULL,5,1,'[]','{"acl":{"all_of":[["group:hr#member"],["group:board#member","user:eva%40example.org"]]},"sections":[]}','[{"user":"group:board#member","relation":"a","object":"clause:b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d"},{"user":"user:eva%40example.org","relation":"a","object":"clause:b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d"},{"user":"group:hr#member","relation":"b","object":"clause:b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d"},{"user":"classification:open","relation":"classification","object":"document:hr/bonus.md"},{"user":"clause:b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d#member","relation":"viewer","object":"document:hr/bonus.md"}]',0,NULL,'2026-11-30T21:34:14.145884188Z',0,0);
INSERT INTO "documents" VALUES(1,5,'hr/cases.md','hr',1,'Fälle',NULL,'text/markdown','{"team":"people","year":2024}','98a5da75a6f350f6783b8cc9bf916ac701ebe2c85df00b815d539425c476d594','e6e8437f34d3afb6001e332ba567a42c2ebcd2e4c0003e693b13d464c884c4e3',NULL,NULL,6,5,'[{"id":"pay","first":2,"count":1,"start":130,"end":209,"is_apart":true},{"id":"decision","first":4,"count":1,"start":272,"end":346,"is_apart":true}]','{"acl":{"parents":["folder:hr"],"viewers":["group:staff#member","user:Ada%40Example.org"]},"sections":[["pay",{"viewers":["group:hr#member","user:Ada%40Example.org"],"blocked":["user:eve"]}],["decision",{"nobody":true}]]}','[{"user":"classification:open","relation":"classification","object":"document:hr/cases.md"},{"user":"folder:hr","relation":"parent","object":"document:hr/cases.md"},{"user":"group:staff#member","relation":"viewer","object":"document:hr/cases.md"},{"user":"user:ada%40example.org","relation":"viewer","object":"document:hr/cases.md"},{"user":"document:hr/cases.md","relation":"document","object":"section:hr/cases.md~decision"},{"user":"user:eve","relation":"blocked","object":"section:hr/cases.md~pay"},{"user":"document:hr/cases.md","relation":"document","object":"section:hr/cases.md~pay"},{"user":"group:hr#member","relation":"viewer","object":"section:hr/cases.md~pay"},{"user":"user:ada%40example.org","relation":"viewer","object":"section:hr/cases.md~pay"}]',0,NULL,'2026-11-30T21:34:14.357672693Z',0,0);
INSERT INTO "documents" VALUES(1,6,'hr/window.md','hr',1,'window.md',NULL,'text/markdown','{}','bd05737955a365c9f28745e56d1f51756a1157de59230fb6a2f8eaf830d1e45e','dbc14a3e12b9882a213aebe963d89dc3ee7ad9221cf61dd087675d24d0443903',NULL,NULL,11,1,'[]','{"acl":{"viewers":[{"principal":"user:Ada%40Example.org","condition":{"name":"during","context":{"start":"2000-01-01T00:00:00Z","end":"2999-01-01T00:00:00Z"}}},{"principal":"user:zoe","condition":{"name":"during","context":{"start":"2000-01-01T00:00:00Z","end":"2001-01-01T00:00:00Z"}}}]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:hr/window.md"},{"user":"user:ada%40example.org","relation":"viewer","object":"document:hr/window.md","condition":{"name":"during","context":{"end":"2999-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}}},{"user":"user:zoe","relation":"viewer","object":"document:hr/window.md","condition":{"name":"during","context":{"end":"2001-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}}}]',0,NULL,'2026-11-30T21:34:14.815401022Z',0,0);
INSERT INTO "documents" VALUES(1,7,'wiki/canteen.md','wiki',1,'Canteen',NULL,'text/markdown','{}','aa7a8123f6671dc3e54c29a9420eb6bd8b2f69a250317a4a6976047927a410dd','c373a9f22814b15c68abe09e2721ea1777ac0ec6ab9748f2400fb8ee9c22da8b',NULL,NULL,12,1,'[]','{"acl":{"viewers":["user:*"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/canteen.md"},{"user":"user:*","relation":"viewer","object":"document:wiki/canteen.md"}]',0,NULL,'2026-11-30T21:34:15.320118045Z',0,0);
INSERT INTO "documents" VALUES(1,8,'wiki/quarantine.md','wiki',1,'quarantine.md',NULL,'text/markdown','{}','be3b2c87684ae1c3b94150c13cfcb19a50a2124e14824aa900d176e9d3fc9399','28b9b813de426bcefad41850ddb76587c0825d0b1827f8bd3942f602e05cf8fc',NULL,NULL,13,1,'[]','{"acl":{"nobody":true},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/quarantine.md"}]',0,NULL,'2026-11-30T21:34:15.918717942Z',0,0);
INSERT INTO "documents" VALUES(1,9,'wiki/Übersicht.md','wiki',1,'Übersicht.md',NULL,'text/markdown','{}','c01c2b7f75ad634317225dbca456c603d0c2e954891c822a4dfcdda90080274b','7d00377247e9d9a0755c82f11a74b95e60641a1ed10e7ed4a3f727c9d36a212c',NULL,NULL,14,1,'[]','{"acl":{"owners":["user:bob"],"viewers":["agent:scribe","user:eva%40example.org"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/Übersicht.md"},{"user":"user:bob","relation":"owner","object":"document:wiki/Übersicht.md"},{"user":"agent:scribe","relation":"viewer","object":"document:wiki/Übersicht.md"},{"user":"user:eva%40example.org","relation":"viewer","object":"document:wiki/Übersicht.md"}]',0,'2999-01-01T00:00:00Z','2026-11-30T21:34:16.253333174Z',0,0);
INSERT INTO "documents" VALUES(1,10,'wiki/again.md','wiki',2,'again.md',NULL,'text/markdown','{}','16f1b9ff7bee2a57621bf31e05736cc90bc06b9100d47beda89e9b0742d03a44','d1e42ff2e0a9f6a65bb7722976b3e91c2d326a4d3316a4256348a504470464c8',NULL,NULL,15,1,'[]','{"acl":{"viewers":["group:staff#member"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/again.md"},{"user":"group:staff#member","relation":"viewer","object":"document:wiki/again.md"}]',0,NULL,'2026-11-30T21:34:16.629557575Z',0,0);
INSERT INTO "documents" VALUES(1,11,'wiki/byhand.md','wiki',1,'byhand.md',NULL,'text/markdown','{}','96821c15b911f703cbf84e1298b221e4f40421f983d33a217ee877e971e148ec','889e9c5b7db00eadb0b34ad7d4458eafcf0d2b60e00067ef20ab61a8dd34e7b3',NULL,NULL,16,1,'[]','{"acl":{"parents":["folder:wiki"],"viewers":["group:hr#member","user:max"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/byhand.md"},{"user":"folder:wiki","relation":"parent","object":"document:wiki/byhand.md"},{"user":"group:hr#member","relation":"viewer","object":"document:wiki/byhand.md"},{"user":"user:max","relation":"viewer","object":"document:wiki/byhand.md"}]',0,NULL,'2026-11-30T21:34:16.926384312Z',0,0);
INSERT INTO "documents" VALUES(1,12,'wiki/a~b c.md','wiki',1,'a~b c.md',NULL,'text/markdown','{}','42c7a10be07b9b6d855ccaba84f36b55f04516850392bc0b55e3afbde1a3b674','7393aa133f88337e258ef65225a567ce93929b6817442392c61056bcdaa09461',NULL,NULL,17,2,'[{"id":"part","first":1,"count":1,"start":27,"end":63,"is_apart":true}]','{"acl":{"viewers":["group:staff#member"]},"sections":[["part",{"viewers":["group:hr#member","user:max"]}]]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/a~b%20c.md"},{"user":"group:staff#member","relation":"viewer","object":"document:wiki/a~b%20c.md"},{"user":"document:wiki/a~b%20c.md","relation":"document","object":"section:wiki/a~b%20c.md~part"},{"user":"group:hr#member","relation":"viewer","object":"section:wiki/a~b%20c.md~part"},{"user":"user:max","relation":"viewer","object":"section:wiki/a~b%20c.md~part"}]',0,NULL,'2026-11-30T21:34:17.148659961Z',0,0);
INSERT INTO "documents" VALUES(1,13,'wiki/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/name.md','wiki',1,'name.md',NULL,'text/markdown','{}','2751e986108e9037f7f123bd4968ddc74b9899f0554940c148538b960eaa5b1b','230788c73be3950a1106d78051b76d622ac17755dec7c857ebd607b0caa8c847',NULL,NULL,19,2,'[{"id":"part","first":1,"count":1,"start":34,"end":69,"is_apart":true}]','{"acl":{"viewers":["group:board#member"]},"sections":[["part",{"viewers":["user:Ada%40Example.org"]}]]}','[{"user":"classification:open","relation":"classification","object":"document:h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c"},{"user":"group:board#member","relation":"viewer","object":"document:h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c"},{"user":"document:h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c","relation":"document","object":"section:h~63f2fdb68e8fc8450e8c40131c7fe3374732897aae6a6f00f82eb8d44130b18b"},{"user":"user:ada%40example.org","relation":"viewer","object":"section:h~63f2fdb68e8fc8450e8c40131c7fe3374732897aae6a6f00f82eb8d44130b18b"}]',0,NULL,'2026-11-30T21:34:17.475022177Z',0,0);
INSERT INTO "documents" VALUES(1,14,'wiki/yard.md','wiki',1,'yard.md',NULL,'text/markdown','{}','eeb4b126033522fb70815996dde48b4531d6564bb00a53e94240224fae71cd93','0759ec6c165f39af3261dd1e727326fc767c28e49c3561b0299bf88d6df370de',NULL,NULL,21,5,'[]','{"acl":{"parents":["collection:yard"],"viewers":["group:staff#member"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:wiki/yard.md"},{"user":"collection:yard","relation":"parent","object":"document:wiki/yard.md"},{"user":"group:staff#member","relation":"viewer","object":"document:wiki/yard.md"}]',0,NULL,'2026-11-30T21:34:17.571123132Z',0,0);
INSERT INTO "documents" VALUES(2,0,'regeln/reise.md','regeln',1,'reise.md',NULL,'text/markdown','{"since":"2023-04-01T00:00:00Z","tags":["a","b"],"team":"travel","year":2023}','f028cc4a7165d8ea37213b7313a5da95e39315d1bd3158404c7de0b64a701c3e','30a69d22e2cb61b9c1ce7c1220c124ed2daca3e2b29680edf68d77da242bac85',NULL,NULL,0,1,'[]','{"acl":null,"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:regeln/reise.md"},{"user":"group:staff#member","relation":"viewer","object":"document:regeln/reise.md"}]',0,NULL,'2026-11-30T21:34:17.937348189Z',0,0);
INSERT INTO "documents" VALUES(2,1,'regeln/urlaub.md','regeln',1,'urlaub.md',NULL,'text/markdown','{"final":true,"tags":["b"],"team":"people","year":2024}','9ec37d890fac93d5d7fa95f291b51d05448138496624c7c02e310b345a0527c6','76b273ad33c33307af6bd578d72f06eb12d28da8905e861ff78ebbfe1c09990e',NULL,NULL,1,1,'[]','{"acl":{"viewers":["group:hr#member"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:regeln/urlaub.md"},{"user":"group:hr#member","relation":"viewer","object":"document:regeln/urlaub.md"}]',0,NULL,'2026-11-30T21:34:18.206987236Z',0,0);
INSERT INTO "documents" VALUES(3,0,'hr/leave.md','hr',1,'leave.md',NULL,'text/markdown','{}','ad480438c9ff5b49210742e701472c66d6375c8cc16e2efac6a0ebae793934f1','6d090ffbf618132e526fe5cb94d3b1b19d2602c5a5beaff97c4be4f329618ef6',NULL,NULL,0,1,'[]','{"acl":{"viewers":["group:branch#member"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:hr/leave.md"},{"user":"group:branch#member","relation":"viewer","object":"document:hr/leave.md"}]',0,NULL,'2026-11-30T21:34:18.282858711Z',0,0);
INSERT INTO "documents" VALUES(2,2,'hr/leave.md','hr',1,'leave.md',NULL,'text/markdown','{}','a448dd1218bf590a78cd3896acae481a1e7c676d4872704e41c87ce61c3cfd27','76b273ad33c33307af6bd578d72f06eb12d28da8905e861ff78ebbfe1c09990e',NULL,NULL,2,1,'[]','{"acl":{"viewers":["group:hr#member"]},"sections":[]}','[{"user":"classification:open","relation":"classification","object":"document:h~49dc7cdf56ca0213111f5c95d34592c7ca31d3211217259842d55a5da5f92e8d"},{"user":"group:hr#member","relation":"viewer","object":"document:h~49dc7cdf56ca0213111f5c95d34592c7ca31d3211217259842d55a5da5f92e8d"}]',0,NULL,'2026-11-30T21:34:18.372292933Z',0,1);
CREATE TABLE held_tuples (
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
INSERT INTO "held_tuples" VALUES(29,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/gone.md','viewer','user:zoe',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
CREATE TABLE keys (
    id         TEXT PRIMARY KEY,
    hash       BLOB NOT NULL,
    settings   TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT
) WITHOUT ROWID;
INSERT INTO "keys" VALUES('1e56a66047895e3d',X'42E0DFA498FF8FDF8B6905722F3661C4025E2D1B5DEC0A2DDC241350E25562C0','{"name":"first administrator","scopes":["admin","act_as"],"subject":null,"collections":null,"sources":null,"act_as_types":["user","agent","service"]}','2026-11-30T21:34:08.951098023Z','2027-11-30T21:34:08.951098023Z',NULL);
INSERT INTO "keys" VALUES('8c88ca4ae565e5a1',X'DAB3DFFA7EC52101C3A29B5225E53CAB8B85064B488E6052FEDFDBCD58872745','{"name":"feed","scopes":["documents.write"],"subject":null,"collections":["main","handbuch"],"sources":["wiki","regeln"],"act_as_types":[]}','2026-11-30T21:34:18.893848204Z','2999-01-01T00:00:00Z',NULL);
INSERT INTO "keys" VALUES('d9d1e64fa46cdc18',X'C6CBD58998A5D3D5E1D6AB46420D5243634725F7BD39A8C1B5D5E4EC173B6A11','{"name":"admin","scopes":["admin","act_as"],"subject":null,"collections":null,"sources":null,"act_as_types":["user","agent","service"]}','2026-11-30T21:34:18.716961097Z','2999-01-01T00:00:00Z',NULL);
INSERT INTO "keys" VALUES('dbce7842f1d837f3',X'E51B813D8072D056CA05488210CA9EF416F27E63162926D8A9D1F2912CD8B17C','{"name":"revoked","scopes":["query"],"subject":"user:ann","collections":null,"sources":null,"act_as_types":[]}','2026-11-30T21:34:18.970839928Z','2999-01-01T00:00:00Z','2026-11-30T21:34:18.998409934Z');
INSERT INTO "keys" VALUES('e28382654802432c',X'5A8637399B0AD3E989F36B5E44F93FE44C2FA708ADC6C2A0BF353913E7D90047','{"name":"app","scopes":["query","documents.read"],"subject":"user:ann","collections":["main"],"sources":null,"act_as_types":[]}','2026-11-30T21:34:18.819306118Z','2999-01-01T00:00:00Z',NULL);
INSERT INTO "keys" VALUES('ebcc2b53e58127c2',X'845B28970CBFD7E34E392351B044C66C1F712CD28B8211267B27E023DC92029A','{"name":"expired","scopes":["query"],"subject":"user:ann","collections":null,"sources":null,"act_as_types":[]}','2026-11-30T21:34:19.026091069Z','2026-11-30T21:34:22Z',NULL);
INSERT INTO "keys" VALUES('f3f4dd5de8ab1176',X'96AFFE207C003DB5E7EB36EF8A81B9D99E2EC62325E592924B58227EF76D7046','{"name":"chat","scopes":["query","documents.read","act_as"],"subject":null,"collections":["main","branch"],"sources":null,"act_as_types":["user"]}','2026-11-30T21:34:18.92691147Z','2999-01-01T00:00:00Z',NULL);
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
INSERT INTO "meta" VALUES('first store',X'30314D38513632394741375634315A5438365934365735325036');
INSERT INTO "meta" VALUES('ordinals/1',X'0000000F0000001A');
INSERT INTO "meta" VALUES('ordinals/2',X'0000000300000003');
INSERT INTO "meta" VALUES('ordinals/3',X'0000000100000001');
INSERT INTO "meta" VALUES('revision',X'000000000000002A');
INSERT INTO "meta" VALUES('secret',X'66FA404D58344817CB5ECA093504344A1FB42197FE60EF0695896F80D9F95AF8');
INSERT INTO "meta" VALUES('spelling',X'31206C6F776572');
CREATE TABLE models (
    store      TEXT NOT NULL,
    id         TEXT NOT NULL,
    body       TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    PRIMARY KEY (store, id)
) WITHOUT ROWID;
INSERT INTO "models" VALUES('01M8Q629GA7V41ZT86Y46W52P6','01M8Q629TWY3ED4X89TXG309HD','{"schema_version":"1.1","type_definitions":[{"type":"user","relations":{}},{"type":"agent","relations":{}},{"type":"service","relations":{}},{"type":"group","relations":{"member":{"this":{}}},"metadata":{"relations":{"member":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]}}}},{"type":"clause","relations":{"a":{"this":{}},"b":{"this":{}},"member":{"intersection":{"child":[{"computedUserset":{"relation":"a"}},{"computedUserset":{"relation":"b"}}]}}},"metadata":{"relations":{"a":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"classification","relation":"cleared"}]},"b":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"classification","relation":"cleared"}]},"member":{"directly_related_user_types":[]}}}},{"type":"classification","relations":{"above":{"this":{}},"cleared":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"above"},"computedUserset":{"relation":"cleared"}}}]}}},"metadata":{"relations":{"above":{"directly_related_user_types":[{"type":"classification"}]},"cleared":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]}}}},{"type":"collection","relations":{"blocked":{"this":{}},"editor":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"owner"}}]}},"owner":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"editor"}}]}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]},"editor":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"}]},"owner":{"directly_related_user_types":[{"type":"user"},{"type":"service"},{"type":"group","relation":"member"}]},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]}}}},{"type":"folder","relations":{"blocked":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"parent"},"computedUserset":{"relation":"blocked"}}}]}},"editor":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"owner"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"editor"}}}]}},"inherits":{"this":{}},"owner":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"owner"}}}]}},"parent":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"editor"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"viewer"}}}]}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]},"editor":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"}]},"inherits":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}]},"owner":{"directly_related_user_types":[{"type":"user"},{"type":"service"},{"type":"group","relation":"member"}]},"parent":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}]},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]}}}},{"type":"document","relations":{"blocked":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"parent"},"computedUserset":{"relation":"blocked"}}}]}},"can_edit":{"difference":{"base":{"intersection":{"child":[{"computedUserset":{"relation":"editor"}},{"computedUserset":{"relation":"cleared"}}]}},"subtract":{"computedUserset":{"relation":"blocked"}}}},"can_view":{"difference":{"base":{"intersection":{"child":[{"computedUserset":{"relation":"viewer"}},{"computedUserset":{"relation":"cleared"}}]}},"subtract":{"computedUserset":{"relation":"blocked"}}}},"classification":{"this":{}},"cleared":{"tupleToUserset":{"tupleset":{"relation":"classification"},"computedUserset":{"relation":"cleared"}}},"editor":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"owner"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"editor"}}}]}},"inherits":{"this":{}},"owner":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"owner"}}}]}},"parent":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"editor"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"viewer"}}}]}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]},"can_edit":{"directly_related_user_types":[]},"can_view":{"directly_related_user_types":[]},"classification":{"directly_related_user_types":[{"type":"classification"}]},"cleared":{"directly_related_user_types":[]},"editor":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"}]},"inherits":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}]},"owner":{"directly_related_user_types":[{"type":"user"},{"type":"service"},{"type":"group","relation":"member"}]},"parent":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}]},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]}}}},{"type":"section","relations":{"blocked":{"this":{}},"can_view":{"difference":{"base":{"intersection":{"child":[{"computedUserset":{"relation":"viewer"}},{"tupleToUserset":{"tupleset":{"relation":"document"},"computedUserset":{"relation":"can_view"}}}]}},"subtract":{"computedUserset":{"relation":"blocked"}}}},"document":{"this":{}},"viewer":{"this":{}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"},{"type":"clause","relation":"member"}]},"can_view":{"directly_related_user_types":[]},"document":{"directly_related_user_types":[{"type":"document"}]},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"classification","relation":"cleared"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}]}}}}],"conditions":{"during":{"name":"during","expression":"start <= current_time && current_time < end","parameters":{"current_time":{"type_name":"TYPE_NAME_TIMESTAMP"},"end":{"type_name":"TYPE_NAME_TIMESTAMP"},"start":{"type_name":"TYPE_NAME_TIMESTAMP"}}}}}',2);
INSERT INTO "models" VALUES('01M8Q62D4BHJ54XRYNS1P8XZEB','01M8Q62D6VNH11GP3Z5F69K1V6','{"schema_version":"1.1","type_definitions":[{"type":"user","relations":{}},{"type":"agent","relations":{}},{"type":"service","relations":{}},{"type":"group","relations":{"member":{"this":{}}},"metadata":{"relations":{"member":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"clause","relations":{"a":{"this":{}},"b":{"this":{}},"member":{"intersection":{"child":[{"computedUserset":{"relation":"a"}},{"computedUserset":{"relation":"b"}}]}}},"metadata":{"relations":{"a":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"classification","relation":"cleared"}],"module":"","source_info":null},"b":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"classification","relation":"cleared"}],"module":"","source_info":null},"member":{"directly_related_user_types":[],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"classification","relations":{"above":{"this":{}},"cleared":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"above"},"computedUserset":{"relation":"cleared"}}}]}}},"metadata":{"relations":{"above":{"directly_related_user_types":[{"type":"classification"}],"module":"","source_info":null},"cleared":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"collection","relations":{"blocked":{"this":{}},"editor":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"owner"}}]}},"owner":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"editor"}}]}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null},"editor":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"}],"module":"","source_info":null},"owner":{"directly_related_user_types":[{"type":"user"},{"type":"service"},{"type":"group","relation":"member"}],"module":"","source_info":null},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"folder","relations":{"blocked":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"parent"},"computedUserset":{"relation":"blocked"}}}]}},"editor":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"owner"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"editor"}}}]}},"inherits":{"this":{}},"owner":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"owner"}}}]}},"parent":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"editor"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"viewer"}}}]}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null},"editor":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"}],"module":"","source_info":null},"inherits":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}],"module":"","source_info":null},"owner":{"directly_related_user_types":[{"type":"user"},{"type":"service"},{"type":"group","relation":"member"}],"module":"","source_info":null},"parent":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}],"module":"","source_info":null},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"document","relations":{"blocked":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"parent"},"computedUserset":{"relation":"blocked"}}}]}},"can_edit":{"difference":{"base":{"intersection":{"child":[{"computedUserset":{"relation":"editor"}},{"computedUserset":{"relation":"cleared"}}]}},"subtract":{"computedUserset":{"relation":"blocked"}}}},"can_view":{"difference":{"base":{"intersection":{"child":[{"computedUserset":{"relation":"viewer"}},{"computedUserset":{"relation":"cleared"}}]}},"subtract":{"computedUserset":{"relation":"blocked"}}}},"classification":{"this":{}},"cleared":{"tupleToUserset":{"tupleset":{"relation":"classification"},"computedUserset":{"relation":"cleared"}}},"editor":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"owner"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"editor"}}}]}},"inherits":{"this":{}},"owner":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"owner"}}}]}},"parent":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"computedUserset":{"relation":"editor"}},{"tupleToUserset":{"tupleset":{"relation":"inherits"},"computedUserset":{"relation":"viewer"}}}]}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null},"can_edit":{"directly_related_user_types":[],"module":"","source_info":null},"can_view":{"directly_related_user_types":[],"module":"","source_info":null},"classification":{"directly_related_user_types":[{"type":"classification"}],"module":"","source_info":null},"cleared":{"directly_related_user_types":[],"module":"","source_info":null},"editor":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"}],"module":"","source_info":null},"inherits":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}],"module":"","source_info":null},"owner":{"directly_related_user_types":[{"type":"user"},{"type":"service"},{"type":"group","relation":"member"}],"module":"","source_info":null},"parent":{"directly_related_user_types":[{"type":"folder"},{"type":"collection"}],"module":"","source_info":null},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"section","relations":{"blocked":{"this":{}},"can_view":{"difference":{"base":{"intersection":{"child":[{"computedUserset":{"relation":"viewer"}},{"tupleToUserset":{"tupleset":{"relation":"document"},"computedUserset":{"relation":"can_view"}}}]}},"subtract":{"computedUserset":{"relation":"blocked"}}}},"document":{"this":{}},"viewer":{"this":{}}},"metadata":{"relations":{"blocked":{"directly_related_user_types":[{"type":"user"},{"type":"agent"},{"type":"service"},{"type":"group","relation":"member"},{"type":"clause","relation":"member"}],"module":"","source_info":null},"can_view":{"directly_related_user_types":[],"module":"","source_info":null},"document":{"directly_related_user_types":[{"type":"document"}],"module":"","source_info":null},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}},{"type":"agent"},{"type":"agent","wildcard":{}},{"type":"service"},{"type":"service","wildcard":{}},{"type":"group","relation":"member"},{"type":"clause","relation":"member"},{"type":"classification","relation":"cleared"},{"type":"user","condition":"during"},{"type":"agent","condition":"during"},{"type":"service","condition":"during"},{"type":"group","relation":"member","condition":"during"}],"module":"","source_info":null}},"module":"","source_info":null}},{"type":"ticket","relations":{"reader":{"this":{}}},"metadata":{"relations":{"reader":{"directly_related_user_types":[{"type":"user"},{"type":"group","relation":"member"}]}}}}],"conditions":{"during":{"name":"during","expression":"start <= current_time && current_time < end","parameters":{"current_time":{"type_name":"TYPE_NAME_TIMESTAMP"},"end":{"type_name":"TYPE_NAME_TIMESTAMP"},"start":{"type_name":"TYPE_NAME_TIMESTAMP"}},"metadata":null}}}',6);
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
INSERT INTO "operations" VALUES(23,32,2,'add',2,1);
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
INSERT INTO "stores" VALUES('01M8Q629GA7V41ZT86Y46W52P6','usher','2026-11-30T21:34:08.59365466Z','2026-11-30T21:34:08.59365466Z');
INSERT INTO "stores" VALUES('01M8Q62D4BHJ54XRYNS1P8XZEB','branch','2026-11-30T21:34:12.110204068Z','2026-11-30T21:34:12.110204068Z');
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
INSERT INTO "text_parts" VALUES(2,2,1,0,X'4C6561766520696E207468652068616E64626F6F6B3A20696D2046616C6C206465722046C3A46C6C652E');
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
INSERT INTO "tuple_changes" VALUES(1,2,'01M8Q629GA7V41ZT86Y46W52P6','write','classification','open','cleared','user:*',NULL,NULL,'2026-11-30T21:34:08.732621216Z');
INSERT INTO "tuple_changes" VALUES(2,2,'01M8Q629GA7V41ZT86Y46W52P6','write','classification','open','cleared','agent:*',NULL,NULL,'2026-11-30T21:34:08.732621216Z');
INSERT INTO "tuple_changes" VALUES(3,2,'01M8Q629GA7V41ZT86Y46W52P6','write','classification','open','cleared','service:*',NULL,NULL,'2026-11-30T21:34:08.732621216Z');
INSERT INTO "tuple_changes" VALUES(4,8,'01M8Q62D4BHJ54XRYNS1P8XZEB','write','group','branch','member','user:ann',NULL,NULL,'2026-11-30T21:34:12.450680375Z');
INSERT INTO "tuple_changes" VALUES(5,8,'01M8Q62D4BHJ54XRYNS1P8XZEB','write','ticket','1','reader','group:branch#member',NULL,NULL,'2026-11-30T21:34:12.450680375Z');
INSERT INTO "tuple_changes" VALUES(6,10,'01M8Q629GA7V41ZT86Y46W52P6','write','group','staff','member','user:ann',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(7,10,'01M8Q629GA7V41ZT86Y46W52P6','write','group','hr','member','user:eve',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(8,10,'01M8Q629GA7V41ZT86Y46W52P6','write','group','hr','member','user:bob',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(9,10,'01M8Q629GA7V41ZT86Y46W52P6','write','group','board','member','user:ada%40example.org',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(10,10,'01M8Q629GA7V41ZT86Y46W52P6','write','group','hr','member','user:eva%40example.org',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(11,10,'01M8Q629GA7V41ZT86Y46W52P6','write','group','staff','member','group:hr#member',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(12,10,'01M8Q629GA7V41ZT86Y46W52P6','write','group','staff','member','group:board#member',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(13,10,'01M8Q629GA7V41ZT86Y46W52P6','write','group','staff','member','user:zoe','during','{"end":"2001-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(14,10,'01M8Q629GA7V41ZT86Y46W52P6','write','group','board','member','agent:scribe','during','{"end":"2999-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(15,10,'01M8Q629GA7V41ZT86Y46W52P6','write','folder','hr','parent','folder:company',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(16,10,'01M8Q629GA7V41ZT86Y46W52P6','write','folder','hr','inherits','folder:company',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(17,10,'01M8Q629GA7V41ZT86Y46W52P6','write','folder','company','viewer','group:board#member',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(18,10,'01M8Q629GA7V41ZT86Y46W52P6','write','folder','hr','viewer','user:bob',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(19,10,'01M8Q629GA7V41ZT86Y46W52P6','write','folder','company','blocked','user:eve',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(20,10,'01M8Q629GA7V41ZT86Y46W52P6','write','classification','secret','cleared','group:board#member',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(21,10,'01M8Q629GA7V41ZT86Y46W52P6','write','classification','confidential','above','classification:secret',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(22,10,'01M8Q629GA7V41ZT86Y46W52P6','write','classification','confidential','cleared','user:bob',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(23,10,'01M8Q629GA7V41ZT86Y46W52P6','write','collection','yard','blocked','user:zoe',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(24,10,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/quarantine.md','viewer','user:zoe',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(25,10,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/byhand.md','viewer','user:zoe',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(26,10,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/byhand.md','blocked','user:bob',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(27,10,'01M8Q629GA7V41ZT86Y46W52P6','write','section','hr/cases.md~pay','viewer','user:ann',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(28,10,'01M8Q629GA7V41ZT86Y46W52P6','write','section','wiki/a~b%20c.md~part','blocked','user:bob',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(29,10,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/gone.md','viewer','user:zoe',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(30,10,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/never.md','viewer','user:ann',NULL,NULL,'2026-11-30T21:34:12.545904577Z');
INSERT INTO "tuple_changes" VALUES(31,11,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/leave.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:12.703226171Z');
INSERT INTO "tuple_changes" VALUES(32,11,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/leave.md','viewer','user:zoe',NULL,NULL,'2026-11-30T21:34:12.703226171Z');
INSERT INTO "tuple_changes" VALUES(33,12,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/gone.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:12.917030205Z');
INSERT INTO "tuple_changes" VALUES(34,12,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/gone.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:12.917030205Z');
INSERT INTO "tuple_changes" VALUES(35,13,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/again.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:13.348746369Z');
INSERT INTO "tuple_changes" VALUES(36,13,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/again.md','viewer','user:zoe',NULL,NULL,'2026-11-30T21:34:13.348746369Z');
INSERT INTO "tuple_changes" VALUES(37,14,'01M8Q629GA7V41ZT86Y46W52P6','delete','document','hr/gone.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:13.491495468Z');
INSERT INTO "tuple_changes" VALUES(38,14,'01M8Q629GA7V41ZT86Y46W52P6','delete','document','hr/gone.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:13.491495468Z');
INSERT INTO "tuple_changes" VALUES(39,14,'01M8Q629GA7V41ZT86Y46W52P6','delete','document','hr/gone.md','viewer','user:zoe',NULL,NULL,'2026-11-30T21:34:13.491495468Z');
INSERT INTO "tuple_changes" VALUES(40,15,'01M8Q629GA7V41ZT86Y46W52P6','delete','document','wiki/again.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:13.53311841Z');
INSERT INTO "tuple_changes" VALUES(41,15,'01M8Q629GA7V41ZT86Y46W52P6','delete','document','wiki/again.md','viewer','user:zoe',NULL,NULL,'2026-11-30T21:34:13.53311841Z');
INSERT INTO "tuple_changes" VALUES(42,16,'01M8Q629GA7V41ZT86Y46W52P6','delete','document','hr/leave.md','viewer','user:zoe',NULL,NULL,'2026-11-30T21:34:13.565527625Z');
INSERT INTO "tuple_changes" VALUES(43,16,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/leave.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:13.565527625Z');
INSERT INTO "tuple_changes" VALUES(44,17,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/pay.md','blocked','user:eve',NULL,NULL,'2026-11-30T21:34:13.767674046Z');
INSERT INTO "tuple_changes" VALUES(45,17,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/pay.md','classification','classification:confidential',NULL,NULL,'2026-11-30T21:34:13.767674046Z');
INSERT INTO "tuple_changes" VALUES(46,17,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/pay.md','inherits','folder:hr',NULL,NULL,'2026-11-30T21:34:13.767674046Z');
INSERT INTO "tuple_changes" VALUES(47,17,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/pay.md','parent','folder:hr',NULL,NULL,'2026-11-30T21:34:13.767674046Z');
INSERT INTO "tuple_changes" VALUES(48,18,'01M8Q629GA7V41ZT86Y46W52P6','write','clause','b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d','a','group:board#member',NULL,NULL,'2026-11-30T21:34:14.145884188Z');
INSERT INTO "tuple_changes" VALUES(49,18,'01M8Q629GA7V41ZT86Y46W52P6','write','clause','b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d','a','user:eva%40example.org',NULL,NULL,'2026-11-30T21:34:14.145884188Z');
INSERT INTO "tuple_changes" VALUES(50,18,'01M8Q629GA7V41ZT86Y46W52P6','write','clause','b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d','b','group:hr#member',NULL,NULL,'2026-11-30T21:34:14.145884188Z');
INSERT INTO "tuple_changes" VALUES(51,18,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/bonus.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:14.145884188Z');
INSERT INTO "tuple_changes" VALUES(52,18,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/bonus.md','viewer','clause:b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d#member',NULL,NULL,'2026-11-30T21:34:14.145884188Z');
INSERT INTO "tuple_changes" VALUES(53,19,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/cases.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:14.357672693Z');
INSERT INTO "tuple_changes" VALUES(54,19,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/cases.md','parent','folder:hr',NULL,NULL,'2026-11-30T21:34:14.357672693Z');
INSERT INTO "tuple_changes" VALUES(55,19,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/cases.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:14.357672693Z');
INSERT INTO "tuple_changes" VALUES(56,19,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/cases.md','viewer','user:ada%40example.org',NULL,NULL,'2026-11-30T21:34:14.357672693Z');
INSERT INTO "tuple_changes" VALUES(57,19,'01M8Q629GA7V41ZT86Y46W52P6','write','section','hr/cases.md~decision','document','document:hr/cases.md',NULL,NULL,'2026-11-30T21:34:14.357672693Z');
INSERT INTO "tuple_changes" VALUES(58,19,'01M8Q629GA7V41ZT86Y46W52P6','write','section','hr/cases.md~pay','blocked','user:eve',NULL,NULL,'2026-11-30T21:34:14.357672693Z');
INSERT INTO "tuple_changes" VALUES(59,19,'01M8Q629GA7V41ZT86Y46W52P6','write','section','hr/cases.md~pay','document','document:hr/cases.md',NULL,NULL,'2026-11-30T21:34:14.357672693Z');
INSERT INTO "tuple_changes" VALUES(60,19,'01M8Q629GA7V41ZT86Y46W52P6','write','section','hr/cases.md~pay','viewer','group:hr#member',NULL,NULL,'2026-11-30T21:34:14.357672693Z');
INSERT INTO "tuple_changes" VALUES(61,19,'01M8Q629GA7V41ZT86Y46W52P6','write','section','hr/cases.md~pay','viewer','user:ada%40example.org',NULL,NULL,'2026-11-30T21:34:14.357672693Z');
INSERT INTO "tuple_changes" VALUES(62,20,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/window.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:14.815401022Z');
INSERT INTO "tuple_changes" VALUES(63,20,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/window.md','viewer','user:ada%40example.org','during','{"end":"2999-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T21:34:14.815401022Z');
INSERT INTO "tuple_changes" VALUES(64,20,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/window.md','viewer','user:zoe','during','{"end":"2001-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T21:34:14.815401022Z');
INSERT INTO "tuple_changes" VALUES(65,21,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/canteen.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:15.320118045Z');
INSERT INTO "tuple_changes" VALUES(66,21,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/canteen.md','viewer','user:*',NULL,NULL,'2026-11-30T21:34:15.320118045Z');
INSERT INTO "tuple_changes" VALUES(67,22,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/quarantine.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:15.918717942Z');
INSERT INTO "tuple_changes" VALUES(68,23,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/Übersicht.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:16.253333174Z');
INSERT INTO "tuple_changes" VALUES(69,23,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/Übersicht.md','owner','user:bob',NULL,NULL,'2026-11-30T21:34:16.253333174Z');
INSERT INTO "tuple_changes" VALUES(70,23,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/Übersicht.md','viewer','agent:scribe',NULL,NULL,'2026-11-30T21:34:16.253333174Z');
INSERT INTO "tuple_changes" VALUES(71,23,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/Übersicht.md','viewer','user:eva%40example.org',NULL,NULL,'2026-11-30T21:34:16.253333174Z');
INSERT INTO "tuple_changes" VALUES(72,24,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/again.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:16.629557575Z');
INSERT INTO "tuple_changes" VALUES(73,24,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/again.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:16.629557575Z');
INSERT INTO "tuple_changes" VALUES(74,25,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/byhand.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:16.926384312Z');
INSERT INTO "tuple_changes" VALUES(75,25,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/byhand.md','viewer','group:hr#member',NULL,NULL,'2026-11-30T21:34:16.926384312Z');
INSERT INTO "tuple_changes" VALUES(76,26,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/a~b%20c.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:17.148659961Z');
INSERT INTO "tuple_changes" VALUES(77,26,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/a~b%20c.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:17.148659961Z');
INSERT INTO "tuple_changes" VALUES(78,26,'01M8Q629GA7V41ZT86Y46W52P6','write','section','wiki/a~b%20c.md~part','document','document:wiki/a~b%20c.md',NULL,NULL,'2026-11-30T21:34:17.148659961Z');
INSERT INTO "tuple_changes" VALUES(79,26,'01M8Q629GA7V41ZT86Y46W52P6','write','section','wiki/a~b%20c.md~part','viewer','group:hr#member',NULL,NULL,'2026-11-30T21:34:17.148659961Z');
INSERT INTO "tuple_changes" VALUES(80,26,'01M8Q629GA7V41ZT86Y46W52P6','write','section','wiki/a~b%20c.md~part','viewer','user:max',NULL,NULL,'2026-11-30T21:34:17.148659961Z');
INSERT INTO "tuple_changes" VALUES(81,27,'01M8Q629GA7V41ZT86Y46W52P6','write','document','h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c','classification','classification:open',NULL,NULL,'2026-11-30T21:34:17.475022177Z');
INSERT INTO "tuple_changes" VALUES(82,27,'01M8Q629GA7V41ZT86Y46W52P6','write','document','h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c','viewer','group:board#member',NULL,NULL,'2026-11-30T21:34:17.475022177Z');
INSERT INTO "tuple_changes" VALUES(83,27,'01M8Q629GA7V41ZT86Y46W52P6','write','section','h~63f2fdb68e8fc8450e8c40131c7fe3374732897aae6a6f00f82eb8d44130b18b','document','document:h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c',NULL,NULL,'2026-11-30T21:34:17.475022177Z');
INSERT INTO "tuple_changes" VALUES(84,27,'01M8Q629GA7V41ZT86Y46W52P6','write','section','h~63f2fdb68e8fc8450e8c40131c7fe3374732897aae6a6f00f82eb8d44130b18b','viewer','user:ada%40example.org',NULL,NULL,'2026-11-30T21:34:17.475022177Z');
INSERT INTO "tuple_changes" VALUES(85,28,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/yard.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:17.571123132Z');
INSERT INTO "tuple_changes" VALUES(86,28,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/yard.md','parent','collection:yard',NULL,NULL,'2026-11-30T21:34:17.571123132Z');
INSERT INTO "tuple_changes" VALUES(87,28,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/yard.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:17.571123132Z');
INSERT INTO "tuple_changes" VALUES(88,29,'01M8Q629GA7V41ZT86Y46W52P6','write','document','regeln/reise.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:17.937348189Z');
INSERT INTO "tuple_changes" VALUES(89,29,'01M8Q629GA7V41ZT86Y46W52P6','write','document','regeln/reise.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:17.937348189Z');
INSERT INTO "tuple_changes" VALUES(90,30,'01M8Q629GA7V41ZT86Y46W52P6','write','document','regeln/urlaub.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:18.206987236Z');
INSERT INTO "tuple_changes" VALUES(91,30,'01M8Q629GA7V41ZT86Y46W52P6','write','document','regeln/urlaub.md','viewer','group:hr#member',NULL,NULL,'2026-11-30T21:34:18.206987236Z');
INSERT INTO "tuple_changes" VALUES(92,31,'01M8Q62D4BHJ54XRYNS1P8XZEB','write','document','hr/leave.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:18.282858711Z');
INSERT INTO "tuple_changes" VALUES(93,31,'01M8Q62D4BHJ54XRYNS1P8XZEB','write','document','hr/leave.md','viewer','group:branch#member',NULL,NULL,'2026-11-30T21:34:18.282858711Z');
INSERT INTO "tuple_changes" VALUES(94,32,'01M8Q629GA7V41ZT86Y46W52P6','write','document','h~49dc7cdf56ca0213111f5c95d34592c7ca31d3211217259842d55a5da5f92e8d','classification','classification:open',NULL,NULL,'2026-11-30T21:34:18.372292933Z');
INSERT INTO "tuple_changes" VALUES(95,32,'01M8Q629GA7V41ZT86Y46W52P6','write','document','h~49dc7cdf56ca0213111f5c95d34592c7ca31d3211217259842d55a5da5f92e8d','viewer','group:hr#member',NULL,NULL,'2026-11-30T21:34:18.372292933Z');
INSERT INTO "tuple_changes" VALUES(96,33,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/byhand.md','parent','folder:wiki',NULL,NULL,'2026-11-30T21:34:18.57345395Z');
INSERT INTO "tuple_changes" VALUES(97,33,'01M8Q629GA7V41ZT86Y46W52P6','write','document','wiki/byhand.md','viewer','user:max',NULL,NULL,'2026-11-30T21:34:18.57345395Z');
INSERT INTO "tuple_changes" VALUES(98,34,'01M8Q629GA7V41ZT86Y46W52P6','write','document','hr/window.md','viewer','user:max',NULL,NULL,'2026-11-30T21:34:18.605996714Z');
INSERT INTO "tuple_changes" VALUES(99,35,'01M8Q629GA7V41ZT86Y46W52P6','delete','document','hr/window.md','viewer','user:max',NULL,NULL,'2026-11-30T21:34:18.668304068Z');
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
, by_source BIGINT NOT NULL DEFAULT 0);
INSERT INTO "tuples" VALUES(1,'01M8Q629GA7V41ZT86Y46W52P6','classification','open','cleared','user:*',NULL,NULL,'2026-11-30T21:34:08.732621216Z',0);
INSERT INTO "tuples" VALUES(2,'01M8Q629GA7V41ZT86Y46W52P6','classification','open','cleared','agent:*',NULL,NULL,'2026-11-30T21:34:08.732621216Z',0);
INSERT INTO "tuples" VALUES(3,'01M8Q629GA7V41ZT86Y46W52P6','classification','open','cleared','service:*',NULL,NULL,'2026-11-30T21:34:08.732621216Z',0);
INSERT INTO "tuples" VALUES(4,'01M8Q62D4BHJ54XRYNS1P8XZEB','group','branch','member','user:ann',NULL,NULL,'2026-11-30T21:34:12.450680375Z',0);
INSERT INTO "tuples" VALUES(5,'01M8Q62D4BHJ54XRYNS1P8XZEB','ticket','1','reader','group:branch#member',NULL,NULL,'2026-11-30T21:34:12.450680375Z',0);
INSERT INTO "tuples" VALUES(6,'01M8Q629GA7V41ZT86Y46W52P6','group','staff','member','user:ann',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(7,'01M8Q629GA7V41ZT86Y46W52P6','group','hr','member','user:eve',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(8,'01M8Q629GA7V41ZT86Y46W52P6','group','hr','member','user:bob',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(9,'01M8Q629GA7V41ZT86Y46W52P6','group','board','member','user:ada%40example.org',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(10,'01M8Q629GA7V41ZT86Y46W52P6','group','hr','member','user:eva%40example.org',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(11,'01M8Q629GA7V41ZT86Y46W52P6','group','staff','member','group:hr#member',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(12,'01M8Q629GA7V41ZT86Y46W52P6','group','staff','member','group:board#member',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(13,'01M8Q629GA7V41ZT86Y46W52P6','group','staff','member','user:zoe','during','{"end":"2001-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(14,'01M8Q629GA7V41ZT86Y46W52P6','group','board','member','agent:scribe','during','{"end":"2999-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(15,'01M8Q629GA7V41ZT86Y46W52P6','folder','hr','parent','folder:company',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(16,'01M8Q629GA7V41ZT86Y46W52P6','folder','hr','inherits','folder:company',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(17,'01M8Q629GA7V41ZT86Y46W52P6','folder','company','viewer','group:board#member',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(18,'01M8Q629GA7V41ZT86Y46W52P6','folder','hr','viewer','user:bob',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(19,'01M8Q629GA7V41ZT86Y46W52P6','folder','company','blocked','user:eve',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(20,'01M8Q629GA7V41ZT86Y46W52P6','classification','secret','cleared','group:board#member',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(21,'01M8Q629GA7V41ZT86Y46W52P6','classification','confidential','above','classification:secret',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(22,'01M8Q629GA7V41ZT86Y46W52P6','classification','confidential','cleared','user:bob',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(23,'01M8Q629GA7V41ZT86Y46W52P6','collection','yard','blocked','user:zoe',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(24,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/quarantine.md','viewer','user:zoe',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(25,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/byhand.md','viewer','user:zoe',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(26,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/byhand.md','blocked','user:bob',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(27,'01M8Q629GA7V41ZT86Y46W52P6','section','hr/cases.md~pay','viewer','user:ann',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(28,'01M8Q629GA7V41ZT86Y46W52P6','section','wiki/a~b%20c.md~part','blocked','user:bob',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(30,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/never.md','viewer','user:ann',NULL,NULL,'2026-11-30T21:34:12.545904577Z',0);
INSERT INTO "tuples" VALUES(31,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/leave.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:12.703226171Z',1);
INSERT INTO "tuples" VALUES(43,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/leave.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:13.565527625Z',1);
INSERT INTO "tuples" VALUES(44,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/pay.md','blocked','user:eve',NULL,NULL,'2026-11-30T21:34:13.767674046Z',1);
INSERT INTO "tuples" VALUES(45,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/pay.md','classification','classification:confidential',NULL,NULL,'2026-11-30T21:34:13.767674046Z',1);
INSERT INTO "tuples" VALUES(46,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/pay.md','inherits','folder:hr',NULL,NULL,'2026-11-30T21:34:13.767674046Z',1);
INSERT INTO "tuples" VALUES(47,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/pay.md','parent','folder:hr',NULL,NULL,'2026-11-30T21:34:13.767674046Z',1);
INSERT INTO "tuples" VALUES(48,'01M8Q629GA7V41ZT86Y46W52P6','clause','b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d','a','group:board#member',NULL,NULL,'2026-11-30T21:34:14.145884188Z',1);
INSERT INTO "tuples" VALUES(49,'01M8Q629GA7V41ZT86Y46W52P6','clause','b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d','a','user:eva%40example.org',NULL,NULL,'2026-11-30T21:34:14.145884188Z',1);
INSERT INTO "tuples" VALUES(50,'01M8Q629GA7V41ZT86Y46W52P6','clause','b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d','b','group:hr#member',NULL,NULL,'2026-11-30T21:34:14.145884188Z',1);
INSERT INTO "tuples" VALUES(51,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/bonus.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:14.145884188Z',1);
INSERT INTO "tuples" VALUES(52,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/bonus.md','viewer','clause:b22b36e55a4cd7cfe055c360f088f82016eaa6279607a56bb2949c2fffe2f93d#member',NULL,NULL,'2026-11-30T21:34:14.145884188Z',1);
INSERT INTO "tuples" VALUES(53,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/cases.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:14.357672693Z',1);
INSERT INTO "tuples" VALUES(54,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/cases.md','parent','folder:hr',NULL,NULL,'2026-11-30T21:34:14.357672693Z',1);
INSERT INTO "tuples" VALUES(55,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/cases.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:14.357672693Z',1);
INSERT INTO "tuples" VALUES(56,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/cases.md','viewer','user:ada%40example.org',NULL,NULL,'2026-11-30T21:34:14.357672693Z',1);
INSERT INTO "tuples" VALUES(57,'01M8Q629GA7V41ZT86Y46W52P6','section','hr/cases.md~decision','document','document:hr/cases.md',NULL,NULL,'2026-11-30T21:34:14.357672693Z',1);
INSERT INTO "tuples" VALUES(58,'01M8Q629GA7V41ZT86Y46W52P6','section','hr/cases.md~pay','blocked','user:eve',NULL,NULL,'2026-11-30T21:34:14.357672693Z',1);
INSERT INTO "tuples" VALUES(59,'01M8Q629GA7V41ZT86Y46W52P6','section','hr/cases.md~pay','document','document:hr/cases.md',NULL,NULL,'2026-11-30T21:34:14.357672693Z',1);
INSERT INTO "tuples" VALUES(60,'01M8Q629GA7V41ZT86Y46W52P6','section','hr/cases.md~pay','viewer','group:hr#member',NULL,NULL,'2026-11-30T21:34:14.357672693Z',1);
INSERT INTO "tuples" VALUES(61,'01M8Q629GA7V41ZT86Y46W52P6','section','hr/cases.md~pay','viewer','user:ada%40example.org',NULL,NULL,'2026-11-30T21:34:14.357672693Z',1);
INSERT INTO "tuples" VALUES(62,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/window.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:14.815401022Z',1);
INSERT INTO "tuples" VALUES(63,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/window.md','viewer','user:ada%40example.org','during','{"end":"2999-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T21:34:14.815401022Z',1);
INSERT INTO "tuples" VALUES(64,'01M8Q629GA7V41ZT86Y46W52P6','document','hr/window.md','viewer','user:zoe','during','{"end":"2001-01-01T00:00:00Z","start":"2000-01-01T00:00:00Z"}','2026-11-30T21:34:14.815401022Z',1);
INSERT INTO "tuples" VALUES(65,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/canteen.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:15.320118045Z',1);
INSERT INTO "tuples" VALUES(66,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/canteen.md','viewer','user:*',NULL,NULL,'2026-11-30T21:34:15.320118045Z',1);
INSERT INTO "tuples" VALUES(67,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/quarantine.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:15.918717942Z',1);
INSERT INTO "tuples" VALUES(68,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/Übersicht.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:16.253333174Z',1);
INSERT INTO "tuples" VALUES(69,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/Übersicht.md','owner','user:bob',NULL,NULL,'2026-11-30T21:34:16.253333174Z',1);
INSERT INTO "tuples" VALUES(70,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/Übersicht.md','viewer','agent:scribe',NULL,NULL,'2026-11-30T21:34:16.253333174Z',1);
INSERT INTO "tuples" VALUES(71,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/Übersicht.md','viewer','user:eva%40example.org',NULL,NULL,'2026-11-30T21:34:16.253333174Z',1);
INSERT INTO "tuples" VALUES(72,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/again.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:16.629557575Z',1);
INSERT INTO "tuples" VALUES(73,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/again.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:16.629557575Z',1);
INSERT INTO "tuples" VALUES(74,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/byhand.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:16.926384312Z',1);
INSERT INTO "tuples" VALUES(75,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/byhand.md','viewer','group:hr#member',NULL,NULL,'2026-11-30T21:34:16.926384312Z',1);
INSERT INTO "tuples" VALUES(76,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/a~b%20c.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:17.148659961Z',1);
INSERT INTO "tuples" VALUES(77,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/a~b%20c.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:17.148659961Z',1);
INSERT INTO "tuples" VALUES(78,'01M8Q629GA7V41ZT86Y46W52P6','section','wiki/a~b%20c.md~part','document','document:wiki/a~b%20c.md',NULL,NULL,'2026-11-30T21:34:17.148659961Z',1);
INSERT INTO "tuples" VALUES(79,'01M8Q629GA7V41ZT86Y46W52P6','section','wiki/a~b%20c.md~part','viewer','group:hr#member',NULL,NULL,'2026-11-30T21:34:17.148659961Z',1);
INSERT INTO "tuples" VALUES(80,'01M8Q629GA7V41ZT86Y46W52P6','section','wiki/a~b%20c.md~part','viewer','user:max',NULL,NULL,'2026-11-30T21:34:17.148659961Z',1);
INSERT INTO "tuples" VALUES(81,'01M8Q629GA7V41ZT86Y46W52P6','document','h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c','classification','classification:open',NULL,NULL,'2026-11-30T21:34:17.475022177Z',1);
INSERT INTO "tuples" VALUES(82,'01M8Q629GA7V41ZT86Y46W52P6','document','h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c','viewer','group:board#member',NULL,NULL,'2026-11-30T21:34:17.475022177Z',1);
INSERT INTO "tuples" VALUES(83,'01M8Q629GA7V41ZT86Y46W52P6','section','h~63f2fdb68e8fc8450e8c40131c7fe3374732897aae6a6f00f82eb8d44130b18b','document','document:h~ec56e515d9ccba7cdf0580817060770bc53a2d60fba2f907eb6e2e3538ef4f8c',NULL,NULL,'2026-11-30T21:34:17.475022177Z',1);
INSERT INTO "tuples" VALUES(84,'01M8Q629GA7V41ZT86Y46W52P6','section','h~63f2fdb68e8fc8450e8c40131c7fe3374732897aae6a6f00f82eb8d44130b18b','viewer','user:ada%40example.org',NULL,NULL,'2026-11-30T21:34:17.475022177Z',1);
INSERT INTO "tuples" VALUES(85,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/yard.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:17.571123132Z',1);
INSERT INTO "tuples" VALUES(86,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/yard.md','parent','collection:yard',NULL,NULL,'2026-11-30T21:34:17.571123132Z',1);
INSERT INTO "tuples" VALUES(87,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/yard.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:17.571123132Z',1);
INSERT INTO "tuples" VALUES(88,'01M8Q629GA7V41ZT86Y46W52P6','document','regeln/reise.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:17.937348189Z',1);
INSERT INTO "tuples" VALUES(89,'01M8Q629GA7V41ZT86Y46W52P6','document','regeln/reise.md','viewer','group:staff#member',NULL,NULL,'2026-11-30T21:34:17.937348189Z',1);
INSERT INTO "tuples" VALUES(90,'01M8Q629GA7V41ZT86Y46W52P6','document','regeln/urlaub.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:18.206987236Z',1);
INSERT INTO "tuples" VALUES(91,'01M8Q629GA7V41ZT86Y46W52P6','document','regeln/urlaub.md','viewer','group:hr#member',NULL,NULL,'2026-11-30T21:34:18.206987236Z',1);
INSERT INTO "tuples" VALUES(92,'01M8Q62D4BHJ54XRYNS1P8XZEB','document','hr/leave.md','classification','classification:open',NULL,NULL,'2026-11-30T21:34:18.282858711Z',1);
INSERT INTO "tuples" VALUES(93,'01M8Q62D4BHJ54XRYNS1P8XZEB','document','hr/leave.md','viewer','group:branch#member',NULL,NULL,'2026-11-30T21:34:18.282858711Z',1);
INSERT INTO "tuples" VALUES(94,'01M8Q629GA7V41ZT86Y46W52P6','document','h~49dc7cdf56ca0213111f5c95d34592c7ca31d3211217259842d55a5da5f92e8d','classification','classification:open',NULL,NULL,'2026-11-30T21:34:18.372292933Z',1);
INSERT INTO "tuples" VALUES(95,'01M8Q629GA7V41ZT86Y46W52P6','document','h~49dc7cdf56ca0213111f5c95d34592c7ca31d3211217259842d55a5da5f92e8d','viewer','group:hr#member',NULL,NULL,'2026-11-30T21:34:18.372292933Z',1);
INSERT INTO "tuples" VALUES(96,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/byhand.md','parent','folder:wiki',NULL,NULL,'2026-11-30T21:34:18.57345395Z',1);
INSERT INTO "tuples" VALUES(97,'01M8Q629GA7V41ZT86Y46W52P6','document','wiki/byhand.md','viewer','user:max',NULL,NULL,'2026-11-30T21:34:18.57345395Z',1);
CREATE UNIQUE INDEX tuples_key ON tuples (store, object_type, object_id, relation, subject);
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
CREATE UNIQUE INDEX held_tuples_key ON held_tuples (store, object_type, object_id, relation, subject);
CREATE INDEX held_tuples_store ON held_tuples (store, change);
CREATE INDEX tuples_walk ON tuples (store, change);
CREATE INDEX tuples_type_walk ON tuples (store, object_type, change);
CREATE INDEX tuples_object_walk ON tuples (store, object_type, object_id, change);
CREATE INDEX tuples_subject_walk ON tuples (store, subject, change);
CREATE INDEX tuple_changes_type ON tuple_changes (store, object_type, change);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('audit_outbox',42);
INSERT INTO "sqlite_sequence" VALUES('tuple_changes',99);
INSERT INTO "sqlite_sequence" VALUES('collections',3);
INSERT INTO "sqlite_sequence" VALUES('operations',23);
COMMIT;
